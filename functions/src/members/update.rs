//! `PATCH` and `PUT /organizations/{organization_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Membership, MembershipPatch};
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use serde_json::json;

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Update a member
///
/// Changes the role or the status of a member.
///
/// Requires owner or admin; an admin cannot change an owner or grant a role above their own. Changing the role of
/// an open invitation makes you its inviter. Returns 409 `last-owner` for the last active owner, 422
/// `invitation-pending` if an open invitation would be suspended (remove it instead), and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;
    let mut body = request.body()?;
    let patch = MembershipPatch {
        role: body.optional("role", text),
        status: body.optional("status", text),
    };
    body.finish()?;

    let who = (&organization_id, &user_id);
    let membership = app
        .store
        .update_membership(&caller, who, patch, &request.expected_version())
        .await?;
    Ok(answer(&membership))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let path = "/organizations/{organization_id}/members/{user_id}";
    Operation::patch_and_put(
        path,
        "updateMember",
        (HANDLE_DOCS, "Update a member with PUT"),
        |operation| {
            operation
                .body::<MembershipPatch>(json!({"role": "admin"}))
                .if_match()
                .ok::<Membership>("The updated membership.", example::membership())
                .fails(&[
                    Code::Forbidden,
                    Code::NotFound,
                    Code::LastOwner,
                    Code::InvitationPending,
                    Code::Conflict,
                ])
        },
    )
}
