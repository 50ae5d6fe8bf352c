//! `POST /organizations`

use std::sync::Arc;

use documented::docs_const;
use muster::config::OrganizationCreation;
use muster::domain::{Membership, Organization, OrganizationId, Role, Status};
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use muster::store::Done;
use serde_json::json;

use super::{NewOrganization, ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Create an organization
///
/// Creates an organization. The caller becomes its owner in the same transaction.
///
/// Requires any user of the tenant, or a tenant admin if `ORGANIZATION_CREATION` is `tenant-admin`. Returns 201
/// with `Location`, and 409 `name-taken` if another organization of the tenant has the name. Idempotent with an
/// `Idempotency-Key`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    if app.settings.organization_creation == OrganizationCreation::TenantAdmin
        && !caller.tenant_admin
    {
        return Err(Problem::new(
            Code::Forbidden,
            "Only tenant admins can create organizations here. Ask a tenant admin.",
        ));
    }

    request.no_query()?;
    let mut body = request.body()?;
    let name = body.required("name", text);
    let fields = super::fields(&mut body, None);
    body.finish()?;
    let Some(name) = name else {
        return Err(Problem::invalid_at("/name", "is required"));
    };

    let now = app.clock.now();
    let id = OrganizationId::from(app.clock.new_id());
    let (tenant_id, user_id) = (caller.tenant_id.clone(), caller.user_id.clone());
    let owner = Membership::new(
        tenant_id.clone(),
        id.clone(),
        user_id.clone(),
        (Role::Owner, Status::Active),
        now,
    );
    let organization = Organization::new(id, tenant_id, name, user_id, now)
        .with(&fields)
        .map_err(|invalid| Problem::invalid_at("/metadata", invalid))?;
    let answer = Answer::created(
        &show(&organization, true),
        organization.version,
        format!("/organizations/{}", organization.id),
    );

    let once = request.once(&caller, now)?;
    let once = once.as_ref().map(|once| (once, answer.to_first()));
    match app
        .store
        .create_organization(&caller, &organization, &owner, once)
        .await?
    {
        Done::Now(()) => Ok(answer),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let body = json!({
        "name": "Rockets",
        "domain": "rockets.example",
        "billing_email": "billing@rockets.example",
        "limits": {"models": ["large", "small"], "max_budget": 1000, "budget_duration": "30d"},
    });
    vec![
        Operation::new("POST /organizations", "createOrganization", HANDLE_DOCS)
            .body::<NewOrganization>(body)
            .once()
            .created::<ShownOrganization>("The new organization.", example::organization())
            .leads_to(
                &[
                    "getOrganization",
                    "updateOrganization",
                    "deleteOrganization",
                    "restoreOrganization",
                    "addMember",
                    "listMembers",
                    "createTeam",
                    "listTeams",
                ],
                json!({"organization_id": "$response.body#/id"}),
            )
            .fails(&[Code::Forbidden, Code::NameTaken, Code::Conflict]),
    ]
}
