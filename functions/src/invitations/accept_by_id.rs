//! `POST /users/me/invitations/{invitation_id}/accept`

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{Answer, Code, Problem};
use muster::store::Answering;

use super::{UserInvitationPath, refuse_machine};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, GetItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, Idempotency, NoBody, endpoint, render};

/// Accept an invitation by its id
///
/// Makes the caller an active member of the organization, with the role and in the teams of the invitation. Teams that
/// were deleted are skipped. An active membership keeps its role. A repeated request returns the membership.
///
/// Requires a user of the tenant whose verified email address is the invited one: the token of the link is not needed.
/// Returns 403 `email-not-verified` if the caller has no verified address, 409 `invitation-not-valid` if the inviter may
/// no longer grant the role or the membership is suspended, and 404 for an invitation that is not open or not the caller's.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn accept_user_invitation(
    call: Call,
    path: UserInvitationPath,
    _: NoBody,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    refuse_machine(&call.caller)?;
    let by = Answering::Id(&path.invitation_id);
    let outcome = call
        .store()
        .accept_email_invitation(&call.idempotent(key), by)
        .await?;
    render(outcome, |membership: &Membership| {
        Answer::ok(membership, membership.version)
    })
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    accept_user_invitation,
    "POST /users/me/invitations/{invitation_id}/accept"
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
    operation
        .ok::<Membership>("The active membership.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::EmailNotVerified,
            Code::InvitationNotValid,
            Code::Conflict,
        ])
});
