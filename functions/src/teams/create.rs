//! `POST /teams` and `POST /organizations/{organization_id}/teams`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Team, TeamId};
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use muster::store::{Done, TeamInOrganization};
use serde_json::json;

use super::{NewTeam, ShownTeam, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Create a team
///
/// Creates a team in an organization, or a standalone team.
///
/// Requires a manager of the organization or above; a standalone team requires a tenant admin. Returns 201 with
/// `Location`, 409 `name-taken` if another team of the organization has the name, and 422
/// `budget-exceeds-organization` if a limit is higher than that of the organization. Idempotent with an
/// `Idempotency-Key`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = if request.is_in_organization() {
        Some(request.organization_id()?)
    } else {
        None
    };
    request.no_query()?;
    let mut body = request.body()?;
    let name = body.required("name", text);
    let patch = super::fields(&mut body, None);
    body.finish()?;
    let Some(name) = name else {
        return Err(Problem::invalid_at("/name", "is required"));
    };

    let now = app.clock.now();
    let id = TeamId::from(app.clock.new_id());
    let place = (caller.tenant_id.clone(), organization_id);
    let team = Team::new(id, place, name, caller.user_id.clone(), now)
        .with(&patch)
        .map_err(|invalid| Problem::invalid_at("/metadata", invalid))?;

    let once = request.once(&caller, now)?;
    let first = |made: &TeamInOrganization| created(made).to_first();
    match app
        .store
        .create_team(&caller, &team, once.as_ref(), first)
        .await?
    {
        Done::Now(made) => Ok(created(&made)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    [
        Operation::new(
            "POST /organizations/{organization_id}/teams",
            "createTeam",
            HANDLE_DOCS,
        )
        .body::<NewTeam>(json!({"name": "Engines", "limits": {"models": ["all-org-models"]}}))
        .created::<ShownTeam<'static>>("The new team.", example::team())
        .fails(&[
            Code::NotFound,
            Code::NameTaken,
            Code::BudgetExceedsOrganization,
        ]),
        Operation::new("POST /teams", "createStandaloneTeam", HANDLE_DOCS)
            .summary("Create a standalone team")
            .body::<NewTeam>(json!({"name": "Engines", "limits": {"models": ["large"]}}))
            .created::<ShownTeam<'static>>("The new team.", example::standalone_team()),
    ]
    .map(|operation| {
        operation
            .once()
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
    })
    .into()
}

fn created(made: &TeamInOrganization) -> Answer {
    let location = format!("/teams/{}", made.team.id);
    Answer::created(&show(made), made.team.version, location)
}
