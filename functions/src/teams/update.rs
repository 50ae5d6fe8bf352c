//! `PATCH` and `PUT /teams/{team_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem, text};

use super::answer;
use crate::App;

/// Changes a team as a JSON Merge Patch (RFC 7396) says: absent keeps, `null` clears.
///
/// For managers of its organization and up, its leaders, and tenant admins. 409 `name-taken`; 422
/// `budget-exceeds-organization`; 412 `version-mismatch` when it is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;
    let mut body = request.body()?;
    let name = body.optional("name", text);
    let patch = super::fields(&mut body, name);
    body.finish()?;

    let found = app
        .store
        .update_team(&caller, &id, &patch, &request.if_match())
        .await?;
    Ok(answer(&found))
}
