//! `PATCH` and `PUT /teams/{team_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, TeamPatch};
use muster::http::{Answer, Code, Problem};

use super::{ShownTeam, answer};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Body, Call, Endpoint, TeamPath, endpoint};

/// Update a team
///
/// Changes a team by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` clears.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Leaders cannot change
/// `limits` (403). Returns 409 `name-taken` if another team of the organization has the name, 422
/// `budget-exceeds-organization` if a limit would be higher than that of the organization, and 412
/// `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_team(
    call: Call,
    path: TeamPath,
    Body(change): Body<TeamPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .update_team(&call.context(), &path.team_id, &change, &expected)
        .await?;
    Ok(answer(&found))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(update_team, "PATCH /teams/{team_id}")
    .also(
        "PUT /teams/{team_id}",
        "updateTeamByPut",
        "Update a team with PUT",
    )
    .table(&[
        BatchGetItem,
        ConditionCheckItem,
        DeleteItem,
        PutItem,
        UpdateItem,
    ])
    .answers(|operation| {
        operation
            .ok::<ShownTeam<'static>>("The updated team.")
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::NameTaken,
                Code::BudgetExceedsOrganization,
                Code::Conflict,
            ])
    });
