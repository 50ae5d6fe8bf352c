//! `GET /users/{user_id}/teams`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Name, OrganizationId, Source, TeamId, TeamMembership};
use muster::http::{self, Answer, ApiRequest, Code, Problem};
use muster::store::MembershipOfTeam;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::App;
use crate::openapi::{Operation, example};

/// List teams of a user
///
/// Returns the team memberships of a user, each with its team, sorted by team id. Teams of organizations that are
/// deleted, or in which the user is not active, are left out.
///
/// Requires the user (`me` works) or a tenant admin. Strongly consistent.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    let page = request.query().page(&caller)?;

    let after = page.after.as_deref();
    let found = app
        .store
        .user_teams(&caller, &user_id, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, show, cursor))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let team = json!({
        "id": example::TEAM,
        "name": "Engines",
        "organization_id": example::ORGANIZATION,
        "source": "manual",
    });
    let item = example::with(example::team_membership(), json!({"team": team}));
    vec![
        Operation::new("GET /users/{user_id}/teams", "listUserTeams", HANDLE_DOCS)
            .page::<UserTeam<'static>>(item)
            .fails(&[Code::Forbidden, Code::NotFound]),
    ]
}

/// A team membership with its team.
#[derive(Serialize, JsonSchema)]
struct UserTeam<'a> {
    #[serde(flatten)]
    membership: &'a TeamMembership,
    /// The team.
    team: TeamInShort<'a>,
}

/// A team as shown in a list of team memberships.
#[derive(Serialize, JsonSchema)]
struct TeamInShort<'a> {
    /// The id.
    id: &'a TeamId,
    /// The name.
    name: &'a Name,
    /// The organization; `null` for a standalone team.
    organization_id: Option<&'a OrganizationId>,
    /// How the team was created.
    source: Source,
}

fn show(one: &MembershipOfTeam) -> Box<RawValue> {
    let team = &one.team;
    http::json(&UserTeam {
        membership: &one.membership,
        team: TeamInShort {
            id: &team.id,
            name: &team.name,
            organization_id: team.organization_id.as_ref(),
            source: team.source,
        },
    })
}
