//! Teams: a group of users, in an organization or standing alone.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod restore;
pub mod update;

use std::borrow::Cow;

use muster::domain::{EffectiveLimits, Invalid, Json, Name, Team, TeamPatch};
use muster::http::{self, Answer, Fields, limits, metadata, text};
use muster::store::TeamInOrganization;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::openapi::requiring;

/// A team, with the limits that apply to it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Team")]
struct ShownTeam<'a> {
    #[serde(flatten)]
    team: &'a Team,
    /// The models that it may use: those of `limits` that its organization has too; those of the
    /// organization in the place of `all-org-models` and of an empty list. Empty: all.
    /// `no-default-models` alone: none.
    effective_models: Vec<String>,
    /// The numbers that apply to it: for each limit the lower one of the team's and its
    /// organization's. Budgets are compared per time.
    effective_limits: EffectiveLimits,
}

/// A team in an answer.
fn show(found: &TeamInOrganization) -> Box<RawValue> {
    http::json(&ShownTeam {
        team: &found.team,
        effective_models: found.team.effective_models(found.organization.as_ref()),
        effective_limits: found.team.effective_limits(found.organization.as_ref()),
    })
}

/// A request to create a team.
struct NewTeam;

impl JsonSchema for NewTeam {
    fn schema_name() -> Cow<'static, str> {
        "NewTeam".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        requiring(
            "name",
            TeamPatch::json_schema(generator),
            "A request to create a team.",
        )
    }
}

/// 200, with a team.
fn answer(found: &TeamInOrganization) -> Answer {
    Answer::ok(&show(found), found.team.version)
}

/// What a body says about a team, with the name it gives.
fn fields(fields: &mut Fields, name: Option<Name>) -> TeamPatch {
    TeamPatch {
        name,
        description: fields.patch("description", text),
        is_default: fields.patch("is_default", boolean),
        limits: limits(fields),
        metadata: fields.patch("metadata", metadata),
    }
}

fn boolean(value: Json) -> Result<bool, Invalid> {
    match value {
        Json::Bool(flag) => Ok(flag),
        _ => Err(Invalid::new("must be true or false")),
    }
}
