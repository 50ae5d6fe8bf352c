//! `GET /organizations/{organization_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, MemberPath, endpoint};

/// Get a member
///
/// Returns the membership of a user in an organization.
///
/// Requires an active member, or the user themselves in any status. Returns 304 if the caller has this
/// representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_member(call: Call, path: MemberPath) -> Result<Answer, Problem> {
    let membership = call.store().membership(&call.context(), path.key()).await?;
    Ok(answer(&membership))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    get_member,
    "GET /organizations/{organization_id}/members/{user_id}"
)
.table(&[BatchGetItem])
.answers(|operation| {
    operation
        .shows::<Membership>("The membership.")
        .fails(&[Code::NotFound])
});
