//! `DELETE /teams/{team_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, BatchWriteItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, TeamPath, endpoint};

/// Delete a team
///
/// Deletes a team and its memberships.
///
/// Requires a manager of the organization or above, or a tenant admin. Returns 204, and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn delete_team(
    call: Call,
    path: TeamPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .delete_team(&call.context(), &path.team_id, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(delete_team, "DELETE /teams/{team_id}")
    .table(&[
        BatchGetItem,
        BatchWriteItem,
        ConditionCheckItem,
        DeleteItem,
        PutItem,
        UpdateItem,
    ])
    .indexes(&["gsi1"])
    .answers(|operation| {
        operation.no_content("The team is deleted.").fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::Conflict,
        ])
    });
