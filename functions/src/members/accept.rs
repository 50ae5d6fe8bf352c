//! `POST /organizations/{organization_id}/members/{user_id}/accept`

use std::sync::Arc;

use muster::domain::Membership;
use muster::http::{Answer, ApiRequest, Problem};
use muster::store::Done;

use super::answer;
use crate::App;

/// Accepts an invitation: the membership becomes active. One that is active stays as it is.
///
/// For the invited user alone. 403 `invitation-not-pending` when the membership is suspended. Safe
/// to repeat, with or without an `Idempotency-Key`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let user_id = request.user_id(&caller)?;
    request.no_body()?;

    let once = request.once(&caller, app.clock.now())?;
    let who = (&organization_id, &user_id);
    let first = |membership: &Membership| answer(membership).to_first();
    match app
        .store
        .accept_invitation(&caller, who, once.as_ref(), first)
        .await?
    {
        Done::Now(membership) => Ok(answer(&membership)),
        Done::Before(first) => Answer::repeated(&first),
    }
}
