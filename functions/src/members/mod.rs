//! Members: the users in an organization, their roles and invitations.

pub mod accept;
pub mod add;
pub mod get;
pub mod list;
pub mod remove;
pub mod update;

use muster::domain::{Invalid, Membership, Status};
use muster::http::{Answer, ApiRequest, Problem};
use serde_json::{Value, json};

/// 200, with a membership.
fn answer(membership: &Membership) -> Answer {
    Answer::ok(json!(membership), membership.version)
}

/// The schema of `?status=`, of which `active` is meant when nothing is said.
pub(crate) fn status_schema() -> Value {
    json!({"type": "string", "enum": ["active", "invited", "suspended", "all"], "default": "active"})
}

/// `?status=active|invited|suspended|all`, of which `active` is meant when nothing is said; `None` is all.
pub(crate) fn status(request: &ApiRequest) -> Result<Option<Status>, Problem> {
    match request.query("status") {
        None => Ok(Some(Status::Active)),
        Some("all") => Ok(None),
        Some(status) => status.parse().map(Some).map_err(|_| {
            let invalid = Invalid::new("must be one of active, invited, suspended, all");
            Problem::invalid_at("/status", invalid)
        }),
    }
}
