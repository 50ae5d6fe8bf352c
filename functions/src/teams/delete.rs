//! `DELETE /teams/{team_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Delete a team
///
/// Deletes a team and its memberships.
///
/// Requires a manager of the organization or above, or a tenant admin. Returns 204, and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;
    request.no_query()?;

    app.store
        .delete_team(&caller, &id, &request.expected_version())
        .await?;
    Ok(Answer::no_content())
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("DELETE /teams/{team_id}", "deleteTeam", HANDLE_DOCS)
            .if_match()
            .no_content("The team is deleted.")
            .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict]),
    ]
}
