//! Team members: the users in a team, and who of them lead it.

pub mod add;
pub mod list;
pub mod remove;
pub mod update;

use muster::domain::TeamMembership;
use muster::http::Answer;
use serde_json::json;

/// 200, with a team membership.
fn answer(membership: &TeamMembership) -> Answer {
    Answer::ok(json!(membership), membership.version)
}
