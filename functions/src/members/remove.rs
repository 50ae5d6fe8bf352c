//! `DELETE /organizations/{organization_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, Query as QueryTable, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, Force, MemberPath, Query, endpoint};

/// Remove a member
///
/// Removes a member from an organization and its teams. Users remove themselves to leave the organization or to
/// decline an invitation. A pending invitation of the user's verified email address into the organization is revoked.
///
/// Requires owner or admin, or the user themselves. Returns 204, even if the user is not a member. Returns 409
/// `last-owner` for the last active owner, and 409 `directory-managed` for a membership that a directory manages; a
/// tenant admin removes it with `?force=true`. Returns 412 `version-mismatch` if `If-Match` does not name the current
/// version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn remove_member(
    call: Call,
    path: MemberPath,
    Query(query): Query<Force>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .remove_member(&call.context(), path.key(), query.force, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    remove_member,
    "DELETE /organizations/{organization_id}/members/{user_id}"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    PutItem,
    QueryTable,
    UpdateItem,
])
.answers(|operation| {
    operation.no_content("The user is not a member.").fails(&[
        Code::Forbidden,
        Code::NotFound,
        Code::LastOwner,
        Code::DirectoryManaged,
        Code::Conflict,
    ])
});
