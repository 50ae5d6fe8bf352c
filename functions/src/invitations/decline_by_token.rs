//! `POST /invitations/decline`

use documented::docs_const;
use muster::http::{Answer, Code, Problem};
use muster::store::{Answering, ByToken};

use super::secret::TokenSecret;
use super::sent_token::InvitationAnswerRequest;
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Body, Call, Endpoint, endpoint};

/// Decline an invitation by its token
///
/// Declines the invitation. Auto-join by domain no longer adds the caller to the organization. A repeated request
/// returns 204.
///
/// Requires a user of the tenant whose verified email address is the invited one. An unverified address is accepted if
/// it is in the caller's token and the organization has verified its domain: the token of the invitation proves the
/// mailbox. Returns 403 `email-not-verified` if the caller has no such address, 403 `invitation-for-another-address` if
/// it is another one, and the same 404 for every token that does not work: unknown, accepted, revoked, expired,
/// replaced by a later one, or of another tenant.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn decline_invitation_by_token(
    call: Call<TokenSecret>,
    Body(answer): Body<InvitationAnswerRequest>,
) -> Result<Answer, Problem> {
    let token = answer.token_for(&call.caller)?;
    let by = Answering::Token(ByToken {
        token: &token,
        secret: &call.services.get().await?,
        email_must_match: call.app.settings.invitation_email_must_match,
    });
    call.store()
        .decline_email_invitation(&call.context(), by)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(decline_invitation_by_token, "POST /invitations/decline")
    .table(&[
        BatchGetItem,
        ConditionCheckItem,
        DeleteItem,
        PutItem,
        UpdateItem,
    ])
    .answers(|operation| {
        operation.no_content("The invitation is declined.").fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::EmailNotVerified,
            Code::InvitationForAnotherAddress,
            Code::Conflict,
        ])
    });
