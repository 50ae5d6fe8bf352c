//! `POST /users/me/invitations/{invitation_id}/decline`

use documented::docs_const;
use muster::http::{Answer, Code, Problem};
use muster::store::Answering;

use super::{UserInvitationPath, refuse_machine};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, GetItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, NoBody, endpoint};

/// Decline an invitation by its id
///
/// Declines the invitation. Auto-join by domain no longer adds the caller to the organization. A repeated request
/// returns 204.
///
/// Requires a user of the tenant whose verified email address is the invited one: the token of the link is not needed.
/// Returns 403 `email-not-verified` if the caller has no verified address, and 404 for an invitation that is not open or
/// not the caller's.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn decline_user_invitation(
    call: Call,
    path: UserInvitationPath,
    _: NoBody,
) -> Result<Answer, Problem> {
    refuse_machine(&call.caller)?;
    let by = Answering::Id(&path.invitation_id);
    call.store()
        .decline_email_invitation(&call.context(), by)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    decline_user_invitation,
    "POST /users/me/invitations/{invitation_id}/decline"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    GetItem,
    PutItem,
    UpdateItem,
])
.indexes(&["gsi1"])
.answers(|operation| {
    operation.no_content("The invitation is declined.").fails(&[
        Code::Forbidden,
        Code::NotFound,
        Code::EmailNotVerified,
        Code::Conflict,
    ])
});
