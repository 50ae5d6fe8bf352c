//! `DELETE /organizations/{organization_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Delete an organization
///
/// Deletes an organization. It is hidden at once, its name is free, and it can be restored for 30 days.
///
/// Requires owner. Returns 204, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;
    request.no_query()?;

    app.store
        .delete_organization(&caller, &id, &request.expected_version())
        .await?;
    Ok(Answer::no_content())
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "DELETE /organizations/{organization_id}",
            "deleteOrganization",
            HANDLE_DOCS,
        )
        .if_match()
        .no_content("The organization is deleted.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict]),
    ]
}
