//! `PATCH` and `PUT /teams/{team_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::TeamPatch;
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use serde_json::json;

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// Update a team
///
/// Changes a team by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` clears.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Leaders cannot change
/// `limits` (403). Returns 409 `name-taken` if another team of the organization has the name, 422
/// `budget-exceeds-organization` if a limit would be higher than that of the organization, and 412
/// `version-mismatch` if `If-Match` does not name the current version.
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
    Operation::patch_and_put(
        "/teams/{team_id}",
        "updateTeam",
        (HANDLE_DOCS, "Update a team with PUT"),
        |operation| {
            operation
                .body::<TeamPatch>(json!({"description": "Builds the engines."}))
                .if_match()
                .ok::<ShownTeam<'static>>("The updated team.", example::team())
                .fails(&[
                    Code::Forbidden,
                    Code::NotFound,
                    Code::NameTaken,
                    Code::BudgetExceedsOrganization,
                    Code::Conflict,
                ])
        },
    )
}
