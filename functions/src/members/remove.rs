//! `DELETE /organizations/{organization_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Takes a member out of an organization: removes them, leaves, or declines an invitation.
///
/// For owners and admins, and the user themself. 204, and again 204; 409 `last-owner`; 409
/// `directory-managed` for what the directory manages, unless a tenant admin says `?force=true`.
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
        .no_content("They are not in the organization.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::LastOwner,
            Code::DirectoryManaged,
            Code::Conflict,
        ]),
    ]
}
