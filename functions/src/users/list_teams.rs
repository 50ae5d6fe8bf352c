//! `GET /users/{user_id}/teams`

use documented::docs_const;
use muster::domain::{Name, OrganizationId, Source, TeamId, TeamMembership};
use muster::http::{self, Answer, Code, Problem};
use muster::store::MembershipOfTeam;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::endpoint::TableAction::{BatchGetItem, GetItem, Query};
use crate::endpoint::{Call, Endpoint, Paged, UserPath, endpoint};
use crate::openapi::example::{self, Example};

/// List teams of a user
///
/// Returns the team memberships of a user, each with its team, sorted by team id. Teams of organizations that are
/// deleted, or in which the user is not active, are left out.
///
/// Requires the user (`me` works) or a tenant admin. Memberships, and teams after a write of the caller, are strongly
/// consistent. Changes by other users are eventually consistent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_user_teams(
    call: Call,
    path: UserPath,
    page: Paged,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .user_teams(&call.context(), &path.user_id, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, show))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_user_teams, "GET /users/{user_id}/teams")
    .table(&[BatchGetItem, GetItem, Query])
    .answers(|operation| {
        operation
            .page::<UserTeam<'static>>()
            .fails(&[Code::Forbidden, Code::NotFound])
    });

/// A team membership with its team.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UserTeam<'a> {
    #[serde(flatten)]
    membership: &'a TeamMembership,
    /// The team.
    team: TeamSummary<'a>,
}

/// A team as shown in a list of team memberships.
#[derive(Serialize, JsonSchema)]
struct TeamSummary<'a> {
    /// The id.
    id: &'a TeamId,
    /// The name.
    name: &'a Name,
    /// The organization; `null` for a standalone team.
    organization_id: Option<&'a OrganizationId>,
    /// Source of the team.
    source: Source,
}

fn show(one: &MembershipOfTeam) -> Box<RawValue> {
    let team = &one.team;
    http::json(&UserTeam {
        membership: &one.membership,
        team: TeamSummary {
            id: &team.id,
            name: &team.name,
            organization_id: team.organization_id.as_ref(),
            source: team.source,
        },
    })
}

impl Example for UserTeam<'_> {
    fn example() -> Value {
        let team = json!({
            "id": example::TEAM,
            "name": "Engines",
            "organization_id": example::ORGANIZATION,
            "source": "manual",
        });
        example::with(TeamMembership::example(), json!({"team": team}))
    }
}
