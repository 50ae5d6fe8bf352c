//! `PATCH /teams/{team_id}/members/{user_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, TeamMembership, TeamMembershipPatch};
use muster::http::{Answer, Code, Problem};
use serde_json::{Value, json};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, TeamMemberPath, endpoint};
use crate::openapi::example::Example;

/// Update a team member
///
/// Changes the role or the status of a team member. The status is `active` or `suspended`.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Returns 422
/// `not-an-organization-member` if a member who is not active in the organization would become active, and 412
/// `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_team_member(
    call: Call,
    path: TeamMemberPath,
    Body(change): Body<TeamMembershipPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let membership = call
        .store()
        .update_team_membership(&call.context(), path.key(), change, &expected)
        .await?;
    Ok(answer(&membership))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    update_team_member,
    "PATCH /teams/{team_id}/members/{user_id}"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<TeamMembership>("The updated team membership.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::NotAnOrganizationMember,
            Code::Conflict,
        ])
});

impl Example for TeamMembershipPatch {
    fn example() -> Value {
        json!({"role": "leader"})
    }
}
