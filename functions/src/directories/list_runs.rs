//! `GET /directories/{directory_id}/runs`

use documented::docs_const;
use muster::domain::DirectoryRun;
use muster::http::{self, Answer, Code, Problem};
use serde_json::{Value, json};

use crate::endpoint::TableAction::{GetItem, Query};
use crate::endpoint::{Call, DirectoryPath, Endpoint, Paged, endpoint};
use crate::openapi::example::{self, Example};

/// List runs of a directory
///
/// Returns the runs of the last 90 days, newest first: what each read and changed, and why it failed or was blocked. A
/// run in progress is not in the list.
///
/// Requires a tenant admin.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_directory_runs(
    call: Call,
    path: DirectoryPath,
    page: Paged,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .directory_runs(
            &call.context(),
            &path.directory_id,
            page.after(),
            page.limit(),
        )
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(list_directory_runs, "GET /directories/{directory_id}/runs")
        .table(&[GetItem, Query])
        .answers(|operation| {
            operation
                .page::<DirectoryRun>()
                .fails(&[Code::Forbidden, Code::NotFound])
        });

impl Example for DirectoryRun {
    fn example() -> Value {
        json!({
            "id": "01998ce1-53f4-7c4e-9d6a-2f0b8f1c7a11",
            "directory_id": example::DIRECTORY,
            "kind": "changes",
            "outcome": "synced",
            "reason": null,
            "requested_by": null,
            "started_at": "2026-11-27T09:00:00.000Z",
            "ended_at": "2026-11-27T09:00:01.250Z",
            "duration_ms": 1250,
            "numbers": {
                "users_read": 1,
                "memberships_made": 0,
                "memberships_ended": 2,
                "memberships_held_back": 0,
                "roles_changed": 0,
                "organizations_made": 0,
                "teams_made": 0,
                "users_disabled": 0,
                "users_enabled": 0,
                "failed": 0,
                "graph_calls": 4,
                "memberships_given": 238,
            },
            "events": "/events?from=2026-11-27T09:00:00.000Z&to=2026-11-27T09:00:01.250Z",
        })
    }
}
