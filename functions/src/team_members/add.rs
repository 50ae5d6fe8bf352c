//! `POST /teams/{team_id}/members`

use documented::docs_const;
use muster::domain::{TeamMembership, TeamRole, UserId};
use muster::from_fields;
use muster::http::{Answer, Code, Problem, user_in_path};
use muster::store::Added;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, TeamPath, endpoint, render};
use crate::openapi::example::Example;

/// Add a team member
///
/// Adds a user to a team.
///
/// Requires a manager of the organization or above, a leader of the team, or a tenant admin. Returns 201, or 200
/// with the stored membership if the user already has this role. Returns 409 `already-member` if the user has
/// another role or is suspended in the team (change that with PATCH), 422 `not-an-organization-member` if the user
/// is not an active member of the organization, and 422 `unknown-user` for a standalone team. Idempotent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn add_team_member(
    call: Call,
    path: TeamPath,
    Body(new): Body<NewTeamMember>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let outcome = call
        .store()
        .add_team_member(
            &call.idempotent(key),
            &path.team_id,
            &new.user_id,
            new.role.unwrap_or_else(default_role),
        )
        .await?;
    render(outcome, added_answer)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(add_team_member, "POST /teams/{team_id}/members")
    .table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
    .answers(|operation| {
        operation
            .created::<TeamMembership>("The new team membership.")
            .leads_to(
                &["getTeamMember", "updateTeamMember", "removeTeamMember"],
                json!({
                    "team_id": "$response.body#/team_id",
                    "user_id": "$response.body#/user_id",
                }),
            )
            .ok::<TeamMembership>("The existing team membership.")
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::AlreadyMember,
                Code::UnknownUser,
                Code::NotAnOrganizationMember,
                Code::Conflict,
            ])
    });

/// A request to add a team member.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NewTeamMember {
    /// The user to add. Must be an active member of the organization of the team.
    user_id: UserId,
    /// The role in the team.
    #[schemars(with = "TeamRole", default = "default_role")]
    role: Option<TeamRole>,
}

from_fields!(NewTeamMember { user_id, role });

impl Example for NewTeamMember {
    fn example() -> Value {
        json!({"user_id": "ada", "role": "leader"})
    }
}

fn default_role() -> TeamRole {
    TeamRole::Member
}

fn added_answer(added: &Added<TeamMembership>) -> Answer {
    match added {
        Added::New(membership) => {
            let user = user_in_path(&membership.user_id);
            let location = format!("/teams/{}/members/{user}", membership.team_id);
            Answer::created(membership, membership.version, location)
        }
        Added::Already(membership) => answer(membership),
    }
}
