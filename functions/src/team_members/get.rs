//! `GET /teams/{team_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::TeamMembership;
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, TeamMemberPath, endpoint};

/// Get a team member
///
/// Returns the membership of a user in a team.
///
/// Requires a member of the team or of its organization. A member who is not active in the organization is shown as
/// `suspended`. Returns 304 if the caller has this representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_team_member(call: Call, path: TeamMemberPath) -> Result<Answer, Problem> {
    let membership = call
        .store()
        .team_membership(&call.context(), path.key())
        .await?;
    Ok(answer(&membership))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_team_member, "GET /teams/{team_id}/members/{user_id}")
    .table(&[BatchGetItem])
    .answers(|operation| {
        operation
            .shows::<TeamMembership>("The team membership.")
            .fails(&[Code::NotFound])
    });
