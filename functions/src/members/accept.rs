//! `POST /organizations/{organization_id}/members/{user_id}/accept`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::Done;

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Accept an invitation
///
/// Makes the caller's own invitation an active membership. An active membership stays as it is (200).
///
/// Requires the invited user. Returns 403 `invitation-not-pending` if the membership is suspended, 409
/// `invitation-not-valid` if the inviter may no longer grant the role (they left, are suspended, or have a lower
/// role now), and 412 `version-mismatch` if `If-Match` does not name the current version. Idempotent.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;
    request.no_body()?;

    let once = request.once(&caller, app.clock.now())?;
    let who = (&organization_id, &user_id);
    let first = |membership: &Membership| answer(membership).to_first();
    match app
        .store
        .accept_invitation(
            &caller,
            who,
            &request.expected_version(),
            once.as_ref(),
            first,
        )
        .await?
    {
        Done::Now(membership) => Ok(answer(&membership)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /organizations/{organization_id}/members/{user_id}/accept",
            "acceptInvitation",
            HANDLE_DOCS,
        )
        .no_body()
        .if_match()
        .once()
        .ok::<Membership>("The active membership.", example::membership())
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::InvitationNotPending,
            Code::InvitationNotValid,
            Code::Conflict,
        ]),
    ]
}
