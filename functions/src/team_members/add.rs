//! `POST /teams/{team_id}/members`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{TeamMembership, TeamRole, UserId};
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use muster::store::{Added, Done};
use schemars::JsonSchema;
use serde_json::json;

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Add a team member
///
/// Adds a user to a team.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Returns 201, or 200
/// with the stored membership if the user already has this role. Returns 409 `already-member` if the user has
/// another role or is suspended in the team (change that with PATCH), 422 `not-an-organization-member` if the user
/// is not an active member of the organization, and 422 `unknown-user` for a standalone team. Idempotent.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    request.no_query()?;
    let mut body = request.body()?;
    let user_id = body.required("user_id", text::<UserId>);
    let role = body.optional("role", text).unwrap_or_else(default_role);
    body.finish()?;
    let Some(user_id) = user_id else {
        return Err(Problem::invalid_at("/user_id", "is required"));
    };

    let once = request.once(&caller, app.clock.now())?;
    let first = |added: &Added<TeamMembership>| added_answer(added).to_first();
    let who = (&user_id, role);
    match app
        .store
        .add_team_member(&caller, &team_id, who, once.as_ref(), first)
        .await?
    {
        Done::Now(added) => Ok(added_answer(&added)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /teams/{team_id}/members",
            "addTeamMember",
            HANDLE_DOCS,
        )
        .body::<NewTeamMember>(json!({"user_id": "ada", "role": "leader"}))
        .once()
        .added::<TeamMembership>("The new team membership.", example::team_membership())
        .leads_to(
            &["updateTeamMember", "removeTeamMember"],
            json!({
                "team_id": "$response.body#/team_id",
                "user_id": "$response.body#/user_id",
            }),
        )
        .ok::<TeamMembership>("The existing team membership.", example::team_membership())
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::AlreadyMember,
            Code::UnknownUser,
            Code::NotAnOrganizationMember,
            Code::Conflict,
        ]),
    ]
}

/// A request to add a team member.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its schema is of use: it is read field by field"
)]
struct NewTeamMember {
    /// The user to add. Must be an active member of the organization of the team.
    user_id: UserId,
    /// The role in the team.
    #[schemars(default = "default_role")]
    role: TeamRole,
}

fn default_role() -> TeamRole {
    TeamRole::Member
}

fn added_answer(added: &Added<TeamMembership>) -> Answer {
    match added {
        // The contract has no route to read one by itself, so there is no place to name.
        Added::New(membership) => Answer::added(membership, membership.version),
        Added::Already(membership) => answer(membership),
    }
}
