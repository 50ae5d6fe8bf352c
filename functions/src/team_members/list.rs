//! `GET /teams/{team_id}/members`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};
use serde_json::json;

use crate::App;

/// The members of a team, sorted by user id. For members of the team or its organization.
///
/// `?limit=&cursor=`. A member who was just added may be missing for a moment: the list is read
/// from an index.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let page = request.page(&caller, &[])?;

    let after = page.after.as_deref();
    let found = app
        .store
        .team_members(&caller, &team_id, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, |membership| json!(membership), cursor))
}
