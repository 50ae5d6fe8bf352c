//! Members: the users in an organization, their roles and invitations.

pub mod accept;
pub mod add;
pub mod get;
pub mod list;
pub mod remove;
pub mod update;

use muster::domain::{Invalid, Membership, Status};
use muster::http::{Answer, Query};
use serde_json::{Value, json};

/// 200, with a membership.
fn answer(membership: &Membership) -> Answer {
    Answer::ok(membership, membership.version)
}

/// The schema of `?status=`, of which `active` is meant when nothing is said.
pub(crate) fn status_schema() -> Value {
    json!({"type": "string", "enum": ["active", "invited", "suspended", "all"], "default": "active"})
}

/// `?status=active|invited|suspended|all`, of which `active` is meant when nothing is said; `None` is all.
pub(crate) fn status(query: &mut Query<'_>) -> Option<Status> {
    let read = |status: &str| match status {
        "all" => Ok(None),
        status => status
            .parse()
            .map(Some)
            .map_err(|_| Invalid::new("must be one of active, invited, suspended, all")),
    };
    query.filter("status", read).unwrap_or(Some(Status::Active))
}
