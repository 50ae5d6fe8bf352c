//! `GET /teams/{team_id}/members`

use documented::docs_const;
use muster::domain::TeamMembership;
use muster::http::{self, Answer, Code, Problem};

use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, Paged, TeamPath, endpoint};

/// List team members
///
/// Returns the members of a team, sorted by user id.
///
/// Requires a member of the team or of its organization. A member who is not active in the organization is shown as
/// `suspended`. Eventually consistent: a member who was just added may be missing for a moment.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_team_members(
    call: Call,
    path: TeamPath,
    page: Paged,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .team_members(&call.context(), &path.team_id, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_team_members, "GET /teams/{team_id}/members")
    .table(&[BatchGetItem])
    .indexes(&["gsi1"])
    .answers(|operation| operation.page::<TeamMembership>().fails(&[Code::NotFound]));
