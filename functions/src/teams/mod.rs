//! Teams: a group of users, in an organization or standing alone.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod update;

use muster::domain::{Invalid, Name, TeamPatch};
use muster::http::{Answer, Fields, limits, metadata, text};
use muster::store::TeamInOrganization;
use serde_json::{Value, json};

/// A team in an answer, with the models that it may use.
fn show(found: &TeamInOrganization) -> Value {
    let mut body = json!(found.team);
    if let Some(fields) = body.as_object_mut() {
        let models = found.team.effective_models(found.organization.as_ref());
        fields.insert("effective_models".to_owned(), json!(models));
    }
    body
}

/// 200, with a team.
fn answer(found: &TeamInOrganization) -> Answer {
    Answer::ok(show(found), found.team.version)
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

fn boolean(value: Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or(Invalid::new("must be true or false"))
}
