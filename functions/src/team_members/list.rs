//! `GET /teams/{team_id}/members`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::TeamMembership;
use muster::http::{self, Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::{Operation, example};

/// List team members
///
/// Returns the members of a team, sorted by user id.
///
/// Requires a member of the team or of its organization. A member who is not active in the organization is shown as
/// `suspended`. Eventually consistent: a member who was just added may be missing for a moment.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let page = request.query().page(&caller)?;

    let after = page.after.as_deref();
    let found = app
        .store
        .team_members(&caller, &team_id, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, http::json, cursor))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "GET /teams/{team_id}/members",
            "listTeamMembers",
            HANDLE_DOCS,
        )
        .page::<TeamMembership>(example::team_membership())
        .fails(&[Code::NotFound]),
    ]
}
