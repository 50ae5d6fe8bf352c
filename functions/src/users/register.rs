//! `PUT /users/{user_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, User, UserPatch};
use muster::http::{Answer, Code, Problem, user_in_path};
use serde_json::{Value, json};

use crate::endpoint::TableAction::{GetItem, PutItem, Query, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, UserPath, endpoint};
use crate::openapi::example::Example;

/// Register or update a user
///
/// Registers a user before their first login, or changes a user: absent fields keep their value, `null` clears.
/// Lists of members show a new name or email address once the request has succeeded; send it again if it fails.
///
/// Requires a tenant admin. Returns 201 if the user was not known before, else 200, and 412 `version-mismatch` if
/// `If-Match` or `If-None-Match` does not allow the current version. `If-None-Match: *` registers only a new user.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn register_user(
    call: Call,
    path: UserPath,
    Body(change): Body<UserPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let registered = call
        .store()
        .register_user(&call.context(), &path.user_id, &change, &expected)
        .await?;
    let (user, version) = (&registered.user, registered.user.version);
    if registered.is_new {
        let location = format!("/users/{}", user_in_path(&path.user_id));
        return Ok(Answer::created(user, version, location));
    }
    Ok(Answer::ok(user, version))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(register_user, "PUT /users/{user_id}")
    .table(&[GetItem, PutItem, Query, UpdateItem])
    .answers(|operation| {
        operation
            .created::<User>("The new user.")
            .leads_to(
                &["getUser", "listUserOrganizations", "listUserTeams"],
                json!({"user_id": "$response.body#/user_id"}),
            )
            .ok::<User>("The updated user.")
            .fails(&[Code::Forbidden, Code::Conflict])
    });

impl Example for UserPatch {
    fn example() -> Value {
        json!({"display_name": "Bob", "email": "bob@acme.example"})
    }
}
