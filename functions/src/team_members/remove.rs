//! `DELETE /teams/{team_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::Operation;

/// Takes a user out of a team: removes them, or leaves.
///
/// For managers of its organization and up, its leaders, and tenant admins, and for the user themself
/// (`me` works) unless they are suspended in the team, which is 403. 204, and again 204; 409
/// `directory-managed` for what the directory manages, unless a tenant admin says `?force=true`.
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
        .no_content("They are not in the team.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DirectoryManaged,
            Code::Conflict,
        ]),
    ]
}
