//! `POST /organizations/{organization_id}/members/{user_id}/accept`

use documented::docs_const;
use muster::domain::{ExpectedVersion, Membership};
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Call, Endpoint, Idempotency, MemberPath, NoBody, endpoint, render};

/// Accept an invitation
///
/// Makes the caller's own invitation an active membership. An active membership does not change (200).
///
/// Requires the invited user. Returns 403 `invitation-not-pending` if the membership is suspended, 409
/// `invitation-not-valid` if the invitation has expired or the inviter may no longer grant the role (they left, were
/// suspended or have a lower role), and 412 `version-mismatch` if `If-Match` does not name the current version.
/// Idempotent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn accept_invitation(
    call: Call,
    path: MemberPath,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let outcome = call
        .store()
        .accept_invitation(&call.idempotent(key), path.key(), &expected)
        .await?;
    render(outcome, answer)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    accept_invitation,
    "POST /organizations/{organization_id}/members/{user_id}/accept"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<Membership>("The active membership.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::InvitationNotPending,
            Code::InvitationNotValid,
            Code::Conflict,
        ])
});
