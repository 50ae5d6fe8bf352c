//! `POST /invitations/accept`

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{Answer, Code, Problem};
use muster::store::{Answering, ByToken};

use super::secret::TokenSecret;
use super::sent_token::InvitationAnswerRequest;
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, endpoint, render};

/// Accept an invitation by its token
///
/// Makes the caller an active member of the organization, with the role and in the teams of the invitation. Teams that
/// were deleted are skipped. An active membership keeps its role. A repeated request returns the membership.
///
/// Requires a user of the tenant whose verified email address is the invited one. An unverified address is accepted if
/// it is in the caller's token and the organization has verified its domain: the token of the invitation proves the
/// mailbox. Returns 403 `email-not-verified` if the caller has no such address, 403 `invitation-for-another-address` if
/// it is another one, and 409 `invitation-not-valid` if the inviter may no longer grant the role or the membership is
/// suspended. Returns the same 404 for every token that does not work: unknown, used, revoked, expired, replaced by a
/// later one, or of another tenant.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn accept_invitation_by_token(
    call: Call<TokenSecret>,
    Body(answer): Body<InvitationAnswerRequest>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let token = answer.token_for(&call.caller)?;
    let by = Answering::Token(ByToken {
        token: &token,
        secret: &call.services.get().await?,
        email_must_match: call.app.settings.invitation_email_must_match,
    });
    let outcome = call
        .store()
        .accept_email_invitation(&call.idempotent(key), by)
        .await?;
    render(outcome, |membership: &Membership| {
        Answer::ok(membership, membership.version)
    })
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(accept_invitation_by_token, "POST /invitations/accept")
    .table(&[
        BatchGetItem,
        ConditionCheckItem,
        DeleteItem,
        PutItem,
        UpdateItem,
    ])
    .answers(|operation| {
        operation
            .ok::<Membership>("The active membership.")
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::EmailNotVerified,
                Code::InvitationForAnotherAddress,
                Code::InvitationNotValid,
                Code::Conflict,
            ])
    });
