//! `PATCH /organizations/{organization_id}/domains/{domain}`

use documented::docs_const;
use muster::domain::{DomainPatch, ExpectedVersion, ShownDomain};
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, DomainPath, Endpoint, endpoint};

/// Update a domain
///
/// Changes who becomes a member by the domain. With `auto_join`, a user of the tenant whose email address is verified and
/// in the domain becomes a member with `auto_join_role` when they sign in, unless they have left the organization or were
/// removed from it. Existing memberships do not change.
///
/// Requires owner. Returns 400 for a role that manages members, 409 `domain-not-verified` if `auto_join` is enabled for
/// a domain that is not verified, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_domain(
    call: Call,
    path: DomainPath,
    Body(change): Body<DomainPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let checked = change.check_role();
    checked.map_err(|invalid| Problem::invalid_at("/auto_join_role", invalid))?;
    let domain = call
        .store()
        .update_domain(&call.context(), path.key(), &change, &expected)
        .await?;
    Ok(answer(&domain))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    update_domain,
    "PATCH /organizations/{organization_id}/domains/{domain}"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<ShownDomain<'static>>("The updated domain.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DomainNotVerified,
            Code::Conflict,
        ])
});
