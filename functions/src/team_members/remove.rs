//! `DELETE /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};

use crate::App;

/// Takes a user out of a team.
///
/// For managers of its organization and up, its leaders, and tenant admins. 204, and again 204; 409
/// `directory-managed` for what the directory manages, unless a tenant admin says `?force=true`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let user_id = request.user_id(&caller)?;
    let force = request.force()?;

    let who = (&team_id, &user_id);
    app.store
        .remove_team_member(&caller, who, force, &request.if_match())
        .await?;
    Ok(Answer::no_content())
}
