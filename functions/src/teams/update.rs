//! `PATCH` and `PUT /teams/{team_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::TeamPatch;
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use serde_json::json;

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// Changes a team as a JSON Merge Patch (RFC 7396) says: absent keeps, `null` clears.
///
/// For managers of its organization and up, its leaders, and tenant admins; `limits` not for its
/// leaders, who get 403. 409 `name-taken`; 422 `budget-exceeds-organization` when a limit would be
/// higher than the organization's; 412 `version-mismatch` when it is not in the version of `If-Match`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;
    request.no_query()?;
    let mut body = request.body()?;
    let name = body.optional("name", text);
    let patch = super::fields(&mut body, name);
    body.finish()?;

    let found = app
        .store
        .update_team(&caller, &id, &patch, &request.expected_version())
        .await?;
    Ok(answer(&found))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    Operation::patch_and_put("/teams/{team_id}", "updateTeam", HANDLE_DOCS, |operation| {
        operation
            .body::<TeamPatch>(json!({"description": "Whatever burns."}))
            .if_match()
            .ok::<ShownTeam<'static>>("The team as it is now.", example::team())
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::NameTaken,
                Code::BudgetExceedsOrganization,
                Code::Conflict,
            ])
    })
}
