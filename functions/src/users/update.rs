//! `PATCH /users/{user_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, User, UserStatusPatch};
use muster::http::{Answer, Code, Problem};
use serde_json::{Value, json};

use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, UserPath, endpoint};
use crate::openapi::example::Example;

/// Disable or enable a user
///
/// Changes the status of a user. A disabled user gets 403 `user-disabled` for everything that requires a membership,
/// and new tokens contain no organizations. Memberships do not change, including those of an owner; those added
/// while the user is disabled grant no access either. Enabling the user restores the access.
///
/// Requires a tenant admin who is not disabled. Returns 404 if the user is not known, and 412 `version-mismatch` if
/// `If-Match` does not name the current version. To change the profile, use PUT. A tenant admin who is
/// disabled remains a tenant admin until their token expires.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_user(
    call: Call,
    path: UserPath,
    Body(change): Body<UserStatusPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let user = call
        .store()
        .change_user_status(&call.context(), &path.user_id, change.status, &expected)
        .await?;
    Ok(Answer::ok(&user, user.version))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(update_user, "PATCH /users/{user_id}")
    .table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
    .answers(|operation| {
        operation.ok::<User>("The updated user.").fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::Conflict,
        ])
    });

impl Example for UserStatusPatch {
    fn example() -> Value {
        json!({"status": "disabled"})
    }
}
