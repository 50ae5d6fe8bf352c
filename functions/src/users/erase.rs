//! `DELETE /users/{user_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, BatchWriteItem, ConditionCheckItem, DeleteItem, GetItem, PutItem, Query,
    UpdateItem,
};
use crate::endpoint::{Call, Endpoint, UserPath, endpoint};

/// Erase a user
///
/// Removes a user from the tenant: the profile, all memberships and invitations, including those managed by a
/// directory, and all team memberships. Pending invitations of the verified email address are revoked, and the address
/// is removed from all other invitations. Events keep the user id; the name, IP address and user agent are removed.
///
/// Requires a tenant admin who is not disabled. Returns 204, even if the user is not known. Returns 409 `last-owner`,
/// with the organizations in `errors`, if the user is the last active owner of one, or of a deleted one that can be
/// restored. Returns 503 `unavailable` if the request runs out of time: repeat the request, and it continues where it
/// stopped. Until then the user is disabled. Returns 412 `version-mismatch` if `If-Match` does not name the current
/// version.
///
/// A user who can still sign in becomes a user again at the next login. Delete them in the user pool and the directory
/// first.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn erase_user(
    call: Call,
    path: UserPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .erase_user(&call.context(), &path.user_id, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(erase_user, "DELETE /users/{user_id}")
    .table(&[
        BatchGetItem,
        BatchWriteItem,
        ConditionCheckItem,
        DeleteItem,
        GetItem,
        PutItem,
        Query,
        UpdateItem,
    ])
    .indexes(&["gsi1"])
    .erases_events()
    .answers(|operation| {
        operation.no_content("The user is erased.").fails(&[
            Code::Forbidden,
            Code::LastOwner,
            Code::Conflict,
        ])
    });
