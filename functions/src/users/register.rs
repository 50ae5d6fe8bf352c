//! `PUT /users/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{User, UserPatch};
use muster::http::{Answer, ApiRequest, Code, Problem, text, user_in_path};
use serde_json::json;

use crate::App;
use crate::openapi::{Operation, example};

/// Register or update a user
///
/// Registers a user before their first login, or changes a user: absent fields keep their value, `null` clears.
///
/// Requires a tenant admin. Returns 201 if the user was not known before, else 200, and 412 `version-mismatch` if
/// `If-Match` or `If-None-Match` does not allow the current version. `If-None-Match: *` registers only a new user.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;
    let mut body = request.body()?;
    let patch = UserPatch {
        email: body.patch("email", text),
        display_name: body.patch("display_name", text),
        entra_object_id: body.patch("entra_object_id", text),
    };
    body.finish()?;

    let registered = app
        .store
        .register_user(&caller, &user_id, &patch, &request.expected_version())
        .await?;
    let (user, version) = (&registered.user, registered.user.version);
    if registered.is_new {
        let location = format!("/users/{}", user_in_path(&user_id));
        return Ok(Answer::created(user, version, location));
    }
    Ok(Answer::ok(user, version))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("PUT /users/{user_id}", "registerUser", HANDLE_DOCS)
            .body::<UserPatch>(json!({"display_name": "Bob", "email": "bob@acme.example"}))
            .if_match()
            .created::<User>("The new user.", example::user())
            .leads_to(
                &["getUser", "listUserOrganizations", "listUserTeams"],
                json!({"user_id": "$response.body#/user_id"}),
            )
            .ok::<User>("The updated user.", example::user())
            .fails(&[Code::Forbidden]),
    ]
}
