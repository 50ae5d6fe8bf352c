//! `GET /teams/{team_id}`

use documented::docs_const;
use muster::http::{Answer, Code, Problem};

use super::{ShownTeam, answer};
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, TeamPath, endpoint};

/// Get a team
///
/// Returns a team.
///
/// Requires a member of the team or of its organization. Returns 304 if the caller has this representation
/// (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_team(call: Call, path: TeamPath) -> Result<Answer, Problem> {
    let found = call.store().team(&call.context(), &path.team_id).await?;
    Ok(answer(&found))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_team, "GET /teams/{team_id}")
    .table(&[BatchGetItem])
    .answers(|operation| {
        operation
            .shows::<ShownTeam<'static>>("The team.")
            .fails(&[Code::NotFound])
    });
