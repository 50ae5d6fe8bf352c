//! `PATCH /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Invalid, Json, Status, TeamMembership, TeamMembershipPatch};
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use serde_json::json;

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Update a team member
///
/// Changes the role or the status of a team member. The status is `active` or `suspended`.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Returns 422
/// `not-an-organization-member` if a member who is not active in the organization would become active, and 412
/// `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;
    let mut body = request.body()?;
    let patch = TeamMembershipPatch {
        role: body.optional("role", text),
        status: body.optional("status", status),
    };
    body.finish()?;

    let who = (&team_id, &user_id);
    let expected = request.expected_version();
    let membership = app
        .store
        .update_team_membership(&caller, who, patch, &expected)
        .await?;
    Ok(answer(&membership))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "PATCH /teams/{team_id}/members/{user_id}",
            "updateTeamMember",
            HANDLE_DOCS,
        )
        .body::<TeamMembershipPatch>(json!({"role": "leader"}))
        .if_match()
        .ok::<TeamMembership>("The updated team membership.", example::team_membership())
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::NotAnOrganizationMember,
            Code::Conflict,
        ]),
    ]
}

/// Nobody is invited into a team.
fn status(value: Json) -> Result<Status, Invalid> {
    match text(value) {
        Ok(status @ (Status::Active | Status::Suspended)) => Ok(status),
        _ => Err(Invalid::new("must be active or suspended")),
    }
}
