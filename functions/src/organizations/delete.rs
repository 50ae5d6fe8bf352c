//! `DELETE /organizations/{organization_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};

use crate::App;

/// Deletes an organization: hidden everywhere at once, its name free, restorable for 30 days.
///
/// For owners. 204; 412 `version-mismatch` when it is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;

    app.store
        .delete_organization(&caller, &id, &request.if_match())
        .await?;
    Ok(Answer::no_content())
}
