//! `DELETE /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Remove a team member
///
/// Removes a user from a team. The user themselves leaves the team.
///
/// Requires a manager of the organization or above, a leader of the team, a tenant admin, or the user themselves
/// (403 if they are suspended in the team). Returns 204, also if the user is not in the team. Returns 409
/// `directory-managed` for a membership that a directory manages; a tenant admin removes it with `?force=true`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let team_id = request.team_id()?;
    let user_id = request.user_id(&caller)?;
    let mut query = request.query();
    let force = query.flag("force");
    query.finish()?;

    let who = (&team_id, &user_id);
    app.store
        .remove_team_member(&caller, who, force, &request.expected_version())
        .await?;
    Ok(Answer::no_content())
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "DELETE /teams/{team_id}/members/{user_id}",
            "removeTeamMember",
            HANDLE_DOCS,
        )
        .force()
        .if_match()
        .no_content("The user is not in the team.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DirectoryManaged,
            Code::Conflict,
        ]),
    ]
}
