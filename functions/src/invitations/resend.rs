//! `POST /organizations/{organization_id}/invitations/{invitation_id}/resend`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use super::InvitationPath;
use super::create::first_delivery;
use super::secret::TokenSecret;
use super::shown::{Links, ShownInvitation};
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Call, Endpoint, Idempotency, NoBody, endpoint, render};

/// Resend an invitation
///
/// Sends a pending or expired invitation again, with a new link with the same validity period. The old link stops
/// working. You become the inviter.
///
/// Requires owner or admin; you cannot resend an invitation to a role above your own. Returns 429 `sent-recently` with
/// `Retry-After` if it was sent less than a minute ago. Returns 409 `invitation-not-valid` if the invitation was
/// accepted, declined or revoked, or has expired and the address has another pending one, and 412 `version-mismatch` if
/// `If-Match` does not name the current version. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn resend_invitation(
    call: Call<TokenSecret>,
    path: InvitationPath,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let links = Links::of(&call).await?;
    let outcome = call
        .store()
        .resend_invitation(
            &call.idempotent(key),
            path.key(),
            first_delivery(&call),
            &expected,
        )
        .await?;
    render(outcome, |invitation| links.answer(invitation))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    resend_invitation,
    "POST /organizations/{organization_id}/invitations/{invitation_id}/resend"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<ShownInvitation<'static>>("The invitation, with its new link.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::InvitationNotValid,
            Code::SentRecently,
            Code::Conflict,
        ])
});
