//! `GET /users/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::User;
use muster::http::{Answer, ApiRequest, Code, Problem};

use crate::App;
use crate::openapi::{Operation, example};

/// Get a user
///
/// Returns the profile of a user.
///
/// Requires the user (`me` works) or a tenant admin. Returns 304 if the caller has this representation
/// (`If-None-Match`), and 404 if the user is not registered and has not signed in yet.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;

    let user = app.store.user(&caller, &user_id).await?;
    Ok(Answer::ok(&user, user.version))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /users/{user_id}", "getUser", HANDLE_DOCS)
            .shows::<User>("The user.", example::user())
            .fails(&[Code::Forbidden, Code::NotFound]),
    ]
}
