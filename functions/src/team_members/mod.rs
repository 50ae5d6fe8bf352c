//! Team members: the users in a team, and who of them lead it.

pub mod add;
pub mod list;
pub mod remove;
pub mod update;

use muster::domain::TeamMembership;
use muster::http::Answer;

/// 200, with a team membership.
fn answer(membership: &TeamMembership) -> Answer {
    Answer::ok(membership, membership.version)
}
