//! `PATCH /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use muster::domain::{Invalid, Status, TeamMembershipPatch};
use muster::http::{Answer, ApiRequest, Problem, text};

use serde_json::Value;

use super::answer;
use crate::App;

/// Changes what a user is in a team: `{role?, status?}`, of which the latter is `active` or `suspended`.
///
/// For managers of its organization and up, its leaders, and tenant admins. 412 `version-mismatch`
/// when the membership is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let user_id = request.user_id(&caller)?;
    let mut body = request.body()?;
    let patch = TeamMembershipPatch {
        role: body.optional("role", text),
        status: body.optional("status", status),
    };
    body.finish()?;

    let who = (&team_id, &user_id);
    let expected = request.if_match();
    let membership = app
        .store
        .update_team_membership(&caller, who, patch, &expected)
        .await?;
    Ok(answer(&membership))
}

/// Nobody is invited into a team.
fn status(value: Value) -> Result<Status, Invalid> {
    match value.as_str() {
        Some("active") => Ok(Status::Active),
        Some("suspended") => Ok(Status::Suspended),
        _ => Err(Invalid::new("must be active or suspended")),
    }
}
