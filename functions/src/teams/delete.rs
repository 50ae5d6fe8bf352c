//! `DELETE /teams/{team_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};

use crate::App;

/// Deletes a team, and takes everyone out of it.
///
/// For managers of its organization and up, and tenant admins. 204; 412 `version-mismatch` when it
/// is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;

    app.store
        .delete_team(&caller, &id, &request.if_match())
        .await?;
    Ok(Answer::no_content())
}
