//! `POST /organizations/{organization_id}/members`

use std::sync::Arc;

use muster::domain::{Invalid, Membership, Role, Status, UserId};
use muster::http::{Answer, ApiRequest, Problem, text};
use muster::store::{Added, Done};
use serde_json::{Value, json};

use super::answer;
use crate::App;

/// Invites a user into an organization, or adds them at once with `status: "active"`.
///
/// For owners and admins, who make nobody more than they are. 201; 200 and the stored membership
/// if the user is there already with the same role; 409 `already-member` if with another; 422
/// `unknown-user`. Safe to repeat, with or without an `Idempotency-Key`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let mut body = request.body()?;
    let user_id = body.required("user_id", text::<UserId>);
    let role = body.optional("role", text).unwrap_or(Role::Member);
    let status = body.optional("status", status).unwrap_or(Status::Invited);
    body.finish()?;
    let Some(user_id) = user_id else {
        return Err(Problem::invalid_at("/user_id", "is required"));
    };

    let now = app.clock.now();
    let membership = Membership {
        invited_by_user_id: Some(caller.user_id.clone()),
        ..Membership::new(
            caller.tenant_id.clone(),
            organization_id,
            user_id,
            (role, status),
            now,
        )
    };

    let once = request.once(&caller, now)?;
    let first = |added: &Added<Membership>| added_answer(added).to_first();
    match app
        .store
        .add_member(&caller, &membership, once.as_ref(), first)
        .await?
    {
        Done::Now(added) => Ok(added_answer(&added)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

fn added_answer(added: &Added<Membership>) -> Answer {
    match added {
        Added::New(membership) => Answer::created(
            json!(membership),
            membership.version,
            format!(
                "/organizations/{}/members/{}",
                membership.organization_id, membership.user_id
            ),
        ),
        Added::Already(membership) => answer(membership),
    }
}

/// A new membership is an invitation, or active.
fn status(value: Value) -> Result<Status, Invalid> {
    match value.as_str() {
        Some("invited") => Ok(Status::Invited),
        Some("active") => Ok(Status::Active),
        _ => Err(Invalid::new("must be invited or active")),
    }
}
