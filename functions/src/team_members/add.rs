//! `POST /teams/{team_id}/members`

use std::sync::Arc;

use muster::domain::{TeamMembership, TeamRole, UserId};
use muster::http::{Answer, ApiRequest, Problem, text};
use muster::store::{Added, Done};

use super::answer;
use crate::App;

/// Puts a user into a team: `{user_id, role="member"}`.
///
/// For managers of its organization and up, its leaders, and tenant admins. 201; 200 and the stored
/// membership if the user is there already with the same role; 409 `already-member` if with
/// another; 422 `not-an-organization-member`, or `unknown-user` for a standalone team. Safe to
/// repeat, with or without an `Idempotency-Key`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let mut body = request.body()?;
    let user_id = body.required("user_id", text::<UserId>);
    let role = body.optional("role", text).unwrap_or(TeamRole::Member);
    body.finish()?;
    let Some(user_id) = user_id else {
        return Err(Problem::invalid_at("/user_id", "is required"));
    };

    let once = request.once(&caller, app.clock.now())?;
    let first = |added: &Added<TeamMembership>| added_answer(added).to_first();
    let who = (&user_id, role);
    match app
        .store
        .add_team_member(&caller, &team_id, who, once.as_ref(), first)
        .await?
    {
        Done::Now(added) => Ok(added_answer(&added)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

fn added_answer(added: &Added<TeamMembership>) -> Answer {
    match added {
        // The contract has no route to read one by itself, so there is no place to name.
        Added::New(membership) => Answer {
            status: 201,
            ..answer(membership)
        },
        Added::Already(membership) => answer(membership),
    }
}
