//! `POST /organizations/{organization_id}/domains`

use documented::docs_const;
use muster::domain::{DomainStatus, OrganizationDomain, Role, ShownDomain};
use muster::http::{Answer, Code, Problem};
use muster::store::Added;
use serde_json::json;

use super::{NewDomain, answer};
use crate::endpoint::TableAction::{ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};

/// Add a domain to an organization
///
/// Adds a domain. To verify it, publish the DNS record in `verification`, then send the request to verify the domain.
/// Adding it reserves nothing; a domain belongs to the organization of the tenant that verifies it first.
///
/// Requires owner. Returns 201, or 200 with the existing domain. Returns 400 for public suffixes, domains of free mail
/// providers and `onmicrosoft.com`, 409 `domain-taken` if another organization of the tenant has verified it, and 409
/// `limit-reached` if the organization has 10 domains. Idempotent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_domain(
    call: Call,
    path: OrganizationPath,
    Body(new): Body<NewDomain>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let checked = new.domain.check_provable();
    checked.map_err(|invalid| Problem::invalid_at("/domain", invalid))?;
    let domain = OrganizationDomain {
        tenant_id: call.caller.tenant_id.clone(),
        organization_id: path.organization_id,
        domain: new.domain,
        status: DomainStatus::Pending,
        token: muster_dns::new_token().map_err(Problem::internal)?,
        auto_join: false,
        auto_join_role: Role::Member,
        verified_at: None,
        last_checked_at: None,
        failure: None,
        misses: 0,
        version: 1,
        created_by: call.caller.user_id.clone(),
        created_at: call.now,
        updated_at: call.now,
    };
    let cx = call.idempotent(key);
    let outcome = call.store().add_domain(&cx, &domain).await?;
    render(outcome, added_answer)
}

fn added_answer(added: &Added<OrganizationDomain>) -> Answer {
    match added {
        Added::Already(domain) => answer(domain),
        Added::New(domain) => {
            let organization = &domain.organization_id;
            let location = format!("/organizations/{organization}/domains/{}", domain.domain);
            Answer::created(&domain.shown(), domain.version, location)
        }
    }
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    create_domain,
    "POST /organizations/{organization_id}/domains"
)
.table(&[ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .created::<ShownDomain<'static>>("The new domain, with the record to publish.")
        .leads_to(
            &["getDomain", "updateDomain", "deleteDomain", "verifyDomain"],
            json!({
                "organization_id": "$response.body#/organization_id",
                "domain": "$response.body#/domain",
            }),
        )
        .ok::<ShownDomain<'static>>("The existing domain.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DomainTaken,
            Code::LimitReached,
            Code::Conflict,
        ])
});
