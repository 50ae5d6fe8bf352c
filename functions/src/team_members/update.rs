//! `PATCH /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem, text};

use super::answer;
use crate::App;

/// Changes what a user is in a team: `{role?}`.
///
/// For managers of its organization and up, its leaders, and tenant admins. 412 `version-mismatch`
/// when the membership is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let user_id = request.user_id(&caller)?;
    let mut body = request.body()?;
    let role = body.optional("role", text);
    body.finish()?;

    let who = (&team_id, &user_id);
    let expected = request.if_match();
    let membership = app
        .store
        .update_team_membership(&caller, who, role, &expected)
        .await?;
    Ok(answer(&membership))
}
