//! `DELETE /organizations/{organization_id}/invitations/{invitation_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use super::InvitationPath;
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, endpoint};

/// Revoke an invitation
///
/// Revokes an invitation: its link stops working. Memberships do not change.
///
/// Requires owner or admin; you cannot revoke an invitation to a role above your own. Returns 204, even if the
/// invitation is revoked or was declined. Returns 409 `invitation-not-valid` if it was accepted (remove the member
/// instead), and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn revoke_invitation(
    call: Call,
    path: InvitationPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .revoke_invitation(&call.context(), path.key(), &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    revoke_invitation,
    "DELETE /organizations/{organization_id}/invitations/{invitation_id}"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    PutItem,
    UpdateItem,
])
.answers(|operation| {
    operation
        .no_content("The invitation is not pending.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::InvitationNotValid,
            Code::Conflict,
        ])
});
