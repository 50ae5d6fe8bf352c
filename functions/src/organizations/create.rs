//! `POST /organizations`

use documented::docs_const;
use muster::config::OrganizationCreation;
use muster::domain::{Membership, Organization, OrganizationId, Role, Status};
use muster::http::{Answer, Code, Problem};
use serde_json::json;

use super::{NewOrganization, ShownOrganization, show};
use crate::endpoint::TableAction::{ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, endpoint, render};

/// Create an organization
///
/// Creates an organization. The caller, or the user in `owner_user_id`, becomes its owner in the same transaction.
/// The organization of a machine caller without `owner_user_id` has no owner until one is added.
///
/// Requires any user of the tenant, or a tenant admin if `ORGANIZATION_CREATION` is `tenant-admin`; for
/// `owner_user_id` a tenant admin. Returns 201 with `Location`, 409 `name-taken` if another organization of the tenant
/// has the name, and 422 `unknown-user` if the owner is not known in the tenant. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_organization(
    call: Call,
    Body(new): Body<NewOrganization>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let Call {
        app, caller, now, ..
    } = call;
    if app.settings.organization_creation == OrganizationCreation::TenantAdmin
        && !caller.tenant_admin
    {
        return Err(Problem::new(
            Code::Forbidden,
            "Only tenant admins can create organizations here. Ask a tenant admin.",
        ));
    }

    let owner = match new.owner_user_id {
        Some(owner) if owner != caller.user_id && !caller.tenant_admin => {
            return Err(Problem::new(
                Code::Forbidden,
                "Only tenant admins can create organizations for another owner. Leave out owner_user_id.",
            ));
        }
        Some(owner) => Some(owner),
        // A machine is not a user, so it cannot be a member.
        None => (!caller.machine).then(|| caller.user_id.clone()),
    };

    let id = OrganizationId::from(app.clock.new_id());
    let tenant_id = caller.tenant_id;
    let owner = owner.map(|owner| {
        Membership::new(
            tenant_id.clone(),
            id.clone(),
            owner,
            Role::Owner,
            Status::Active,
            now,
        )
    });
    let organization = Organization::new(id, tenant_id, new.name, caller.user_id, now)
        .with(&new.fields)
        .map_err(|invalid| Problem::invalid_at("/metadata", invalid))?;
    let outcome = app
        .store
        .create_organization(&cx, &organization, owner.as_ref())
        .await?;
    render(outcome, created)
}

fn created(organization: &Organization) -> Answer {
    Answer::created(
        &show(organization, true),
        organization.version,
        format!("/organizations/{}", organization.id),
    )
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(create_organization, "POST /organizations")
    .table(&[ConditionCheckItem, PutItem, UpdateItem])
    .answers(|operation| {
        operation
            .created::<ShownOrganization>("The new organization.")
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
            .fails(&[
                Code::Forbidden,
                Code::NameTaken,
                Code::UnknownUser,
                Code::Conflict,
            ])
    });
