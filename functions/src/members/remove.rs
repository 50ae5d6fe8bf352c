//! `DELETE /organizations/{organization_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Remove a member
///
/// Removes a member from an organization and its teams. The user themselves leaves the organization, or declines an
/// invitation.
///
/// Requires owner or admin, or the user themselves. Returns 204, also if the user is not a member. Returns 409
/// `last-owner` for the last active owner, and 409 `directory-managed` for a membership that a directory manages; a
/// tenant admin removes it with `?force=true`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let user_id = request.user_id(&caller)?;
    let mut query = request.query();
    let force = query.flag("force");
    query.finish()?;

    let who = (&organization_id, &user_id);
    app.store
        .remove_member(&caller, who, force, &request.expected_version())
        .await?;
    Ok(Answer::no_content())
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "DELETE /organizations/{organization_id}/members/{user_id}",
            "removeMember",
            HANDLE_DOCS,
        )
        .force()
        .if_match()
        .no_content("The user is not a member.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::LastOwner,
            Code::DirectoryManaged,
            Code::Conflict,
        ]),
    ]
}
