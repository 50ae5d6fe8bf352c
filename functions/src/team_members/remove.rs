//! `DELETE /teams/{team_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, Force, Query, TeamMemberPath, endpoint};

/// Remove a team member
///
/// Removes a user from a team. Users remove themselves to leave the team.
///
/// Requires a manager of the organization or above, a leader of the team, a tenant admin, or the user themselves (403
/// if they are suspended in the team). Returns 204, even if the user is not in the team. Returns 409
/// `directory-managed` for a membership that a directory manages; a tenant admin removes it with `?force=true`. Returns
/// 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn remove_team_member(
    call: Call,
    path: TeamMemberPath,
    Query(query): Query<Force>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .remove_team_member(&call.context(), path.key(), query.force, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    remove_team_member,
    "DELETE /teams/{team_id}/members/{user_id}"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    PutItem,
    UpdateItem,
])
.answers(|operation| {
    operation
        .no_content("The user is not in the team.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DirectoryManaged,
            Code::Conflict,
        ])
});
