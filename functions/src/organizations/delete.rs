//! `DELETE /organizations/{organization_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Deletes an organization: hidden everywhere at once, its name free, restorable for 30 days.
///
/// For owners. 204; 412 `version-mismatch` when it is not in the version of `If-Match`.
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
        .no_content("It is deleted.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict]),
    ]
}
