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

/// Puts a user into a team: `{user_id, role="member"}`.
///
/// For managers of its organization and up, its leaders, and tenant admins. 201; 200 and the stored
/// membership if the user is there already with the same role; 409 `already-member` if with
/// another, or suspended in the team: change that with PATCH; 422 `not-an-organization-member` if they
/// are not an active member of the organization, in the team already or not; `unknown-user` for a
/// standalone team. Safe to repeat, with or without an `Idempotency-Key`.
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
        .added::<TeamMembership>("The user is in the team now.", example::team_membership())
        .leads_to(
            &["updateTeamMember", "removeTeamMember"],
            json!({
                "team_id": "$response.body#/team_id",
                "user_id": "$response.body#/user_id",
            }),
        )
        .ok::<TeamMembership>(
            "They were already, with this role.",
            example::team_membership(),
        )
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

/// Whom to put into the team, and as what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its schema is of use: it is read field by field"
)]
struct NewTeamMember {
    /// Whom: an active member of the team's organization.
    user_id: UserId,
    /// As what.
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
