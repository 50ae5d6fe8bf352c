//! `POST /teams/{team_id}/restore`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};
use muster::store::TeamWithLimits;

use super::{ShownTeam, show_with};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, Idempotency, NoBody, TeamPath, endpoint, render};

/// Restore a team
///
/// Restores a manually deleted team that the directory sync created. A team that is not deleted does not change (200).
///
/// Requires a tenant admin. The team is restored without its members: users of its group join again at their next
/// login, others must be added again. Returns 404 if the team does not exist, was not created by the sync, or its
/// organization is deleted, 409 `name-taken` if another team of the organization has the name, and 412
/// `version-mismatch` if `If-Match` does not name the current version. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn restore_team(
    call: Call,
    path: TeamPath,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let outcome = call
        .store()
        .restore_team(&call.idempotent(key), &path.team_id, &expected)
        .await?;
    render(outcome, restored)
}

fn restored(found: &TeamWithLimits) -> Answer {
    let shown = show_with(&found.team, found.organization_limits.as_ref());
    Answer::ok(&shown, found.team.version)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(restore_team, "POST /teams/{team_id}/restore")
    .table(&[
        BatchGetItem,
        ConditionCheckItem,
        DeleteItem,
        PutItem,
        UpdateItem,
    ])
    .indexes(&["gsi1"])
    .answers(|operation| {
        operation
            .ok::<ShownTeam<'static>>("The restored team.")
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::NameTaken,
                Code::Conflict,
            ])
    });
