//! `GET /users/{user_id}`

use documented::docs_const;
use muster::domain::User;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::GetItem;
use crate::endpoint::{Call, Endpoint, UserPath, endpoint};

/// Get a user
///
/// Returns the profile of a user.
///
/// Requires the user (`me` works) or a tenant admin. Returns 304 if the caller has this representation
/// (`If-None-Match`), and 404 if the user has neither been registered nor signed in.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_user(call: Call, path: UserPath) -> Result<Answer, Problem> {
    let user = call.store().user(&call.context(), &path.user_id).await?;
    Ok(Answer::ok(&user, user.version))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_user, "GET /users/{user_id}")
    .table(&[GetItem])
    .answers(|operation| {
        operation
            .shows::<User>("The user.")
            .fails(&[Code::Forbidden, Code::NotFound])
    });
