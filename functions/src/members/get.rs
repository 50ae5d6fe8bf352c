//! `GET /organizations/{organization_id}/members/{user_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Get a member
///
/// Returns the membership of a user in an organization.
///
/// Requires an active member, or the user themselves in any status. Returns 304 if the caller has this
/// representation (`If-None-Match`).
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let user_id = request.user_id(&caller)?;
    request.no_query()?;

    let membership = app
        .store
        .membership(&caller, &organization_id, &user_id)
        .await?;
    Ok(answer(&membership))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "GET /organizations/{organization_id}/members/{user_id}",
            "getMember",
            HANDLE_DOCS,
        )
        .shows::<Membership>("The membership.", example::membership())
        .fails(&[Code::NotFound]),
    ]
}
