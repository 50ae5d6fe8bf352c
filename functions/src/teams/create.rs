//! `POST /teams` and `POST /organizations/{organization_id}/teams`

use documented::docs_const;
use muster::domain::{Team, TeamId};
use muster::http::{Answer, Code, Problem};
use muster::store::TeamWithLimits;
use serde_json::json;

use super::{NewTeam, ShownTeam, show_with, standalone_team};
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};

/// Create a team
///
/// Creates a team in an organization.
///
/// Requires a manager of the organization or above. Returns 201 with `Location`, 409 `name-taken` if another team of
/// the organization has the name, and 422 `budget-exceeds-organization` if a limit is higher than that of the
/// organization. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_team(
    call: Call,
    path: Option<OrganizationPath>,
    Body(new): Body<NewTeam>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let Call {
        app, caller, now, ..
    } = call;
    let id = TeamId::from(app.clock.new_id());
    let team = Team::new(
        id,
        caller.tenant_id.clone(),
        path.map(|path| path.organization_id),
        new.name,
        caller.user_id.clone(),
        now,
    )
    .with(&new.fields)
    .map_err(|invalid| Problem::invalid_at("/metadata", invalid))?;

    let outcome = app.store.create_team(&cx, &team).await?;
    render(outcome, created)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(create_team, "POST /organizations/{organization_id}/teams")
        .also(
            "POST /teams",
            "createStandaloneTeam",
            "Create a standalone team\n\nCreates a team that belongs to no organization. \
             Requires a tenant admin. Returns 201 with `Location`. Idempotent with an `Idempotency-Key`.",
        )
        .table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
        .answers(|operation| {
            let operation = operation.created::<ShownTeam<'static>>("The new team.");
            let operation = match operation.path() {
                "/teams" => operation
                    .body_example(json!({"name": "Engines", "limits": {"models": ["large"]}}))
                    .answer_example(standalone_team()),
                _ => operation.fails(&[
                    Code::NotFound,
                    Code::NameTaken,
                    Code::BudgetExceedsOrganization,
                ]),
            };
            operation
                .leads_to(
                    &[
                        "getTeam",
                        "updateTeam",
                        "deleteTeam",
                        "addTeamMember",
                        "listTeamMembers",
                    ],
                    json!({"team_id": "$response.body#/id"}),
                )
                .fails(&[Code::Forbidden, Code::Conflict])
        });

fn created(made: &TeamWithLimits) -> Answer {
    let location = format!("/teams/{}", made.team.id);
    Answer::created(
        &show_with(&made.team, made.organization_limits.as_ref()),
        made.team.version,
        location,
    )
}
