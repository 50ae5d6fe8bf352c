//! `PATCH` and `PUT /organizations/{organization_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, Membership, MembershipPatch};
use muster::http::{Answer, Code, Problem};
use serde_json::{Value, json};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, MemberPath, endpoint};
use crate::openapi::example::Example;

/// Update a member
///
/// Changes the role or the status of a member.
///
/// Requires owner or admin; an admin cannot change an owner or grant a role above their own. Changing the role of
/// an open invitation makes you its inviter. Returns 409 `last-owner` for the last active owner, 422
/// `invitation-pending` if an open invitation would be suspended (remove it instead), and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_member(
    call: Call,
    path: MemberPath,
    Body(change): Body<MembershipPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let membership = call
        .store()
        .update_membership(&call.context(), path.key(), change, &expected)
        .await?;
    Ok(answer(&membership))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    update_member,
    "PATCH /organizations/{organization_id}/members/{user_id}"
)
.also(
    "PUT /organizations/{organization_id}/members/{user_id}",
    "updateMemberByPut",
    "Update a member with PUT",
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<Membership>("The updated membership.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::LastOwner,
            Code::InvitationPending,
            Code::Conflict,
        ])
});

impl Example for MembershipPatch {
    fn example() -> Value {
        json!({"role": "admin"})
    }
}
