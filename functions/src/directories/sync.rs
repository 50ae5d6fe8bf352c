//! `POST /directories/{directory_id}/sync`

use std::time::Duration;

use documented::docs_const;
use muster::config::SettingError;
use muster::domain::{DirectoryRunId, SyncPreview};
use muster::from_fields;
use muster::http::{self, Answer, Code, Problem};
use muster_directory::{RunError, RunTask, Runs};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::queue::RunQueue;
use crate::endpoint::TableAction::{BatchGetItem, GetItem, PutItem, Query, UpdateItem};
use crate::endpoint::{Body, Call, DirectoryPath, Endpoint, endpoint};
use crate::openapi::example::{self, Example};
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// Time to read the directory for a plan. API Gateway waits 30 s.
const PREVIEW_TIME: Duration = Duration::from_secs(22);

/// A request to read a directory now.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DirectorySyncRequest {
    /// `true` returns what a complete run would change, and changes nothing.
    dry_run: Option<bool>,
    /// `blocked_run_id` of the directory. The next run may end as many memberships as the blocked run would have ended.
    confirm: Option<DirectoryRunId>,
}

from_fields!(DirectorySyncRequest { dry_run, confirm });

/// The result of a request to sync a directory.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DirectorySync {
    /// Whether a run is on the queue. The run has ended when it appears as `last_run` of the directory.
    queued: bool,
    /// Changes that a run would make; `null` without `dry_run`.
    plan: Option<SyncPreview>,
}

/// What the function uses besides the table.
pub(crate) struct SyncServices {
    /// Makes the plan of a run.
    runs: Runs,
    queue: RunQueue,
}

impl Services for SyncServices {
    const RIGHTS: &'static [ServiceRight] = &[ServiceRight::Directories, ServiceRight::RunQueue];

    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            runs: Services::read(app, variables)?,
            queue: Services::read(app, variables)?,
        })
    }
}

/// Sync a directory
///
/// Reads the directory without waiting for the timer or for logins. Puts a run on the queue; `GET
/// /directories/{directory_id}/runs` shows its result.
///
/// `dry_run` returns the plan and changes nothing: which users would gain or lose which memberships, and through which
/// group. It reads the groups of each known user, for up to 22 seconds; `is_complete` says whether all were read.
///
/// `confirm` approves a blocked run: the next run may end as many memberships as the blocked run would have ended.
///
/// Requires a tenant admin. Returns 409 `conflict` for a directory that is paused or broken.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn sync_directory(
    call: Call<SyncServices>,
    path: DirectoryPath,
    Body(request): Body<DirectorySyncRequest>,
) -> Result<Answer, Problem> {
    let cx = call.context();
    let id = &path.directory_id;
    if request.dry_run == Some(true) {
        if request.confirm.is_some() {
            return Err(Problem::invalid_at(
                "/confirm",
                "must be absent with dry_run",
            ));
        }
        let directory = call.store().directory_to_sync(&cx, id).await?;
        let until = Instant::now() + PREVIEW_TIME;
        let plan = call
            .services
            .runs
            .preview(call.store(), &directory, until)
            .await;
        return Ok(answer(&DirectorySync {
            queued: false,
            plan: Some(plan.map_err(not_read)?),
        }));
    }
    match &request.confirm {
        Some(run) => call.store().confirm_run(&cx, id, run).await?,
        None => {
            call.store().directory_to_sync(&cx, id).await?;
        }
    }
    let task = RunTask {
        tenant_id: call.caller.tenant_id.clone(),
        directory_id: id.clone(),
        requested_by: Some(call.caller.user_id.clone()),
        tries: 0,
    };
    if let Err(error) = call.services.queue.put(&task).await {
        return Err(Problem {
            source: Some(error),
            ..Problem::new(
                Code::Unavailable,
                "The queue did not accept the run. Retry after the number of seconds in Retry-After.",
            )
        });
    }
    Ok(answer(&DirectorySync {
        queued: true,
        plan: None,
    }))
}

fn answer(sync: &DirectorySync) -> Answer {
    Answer::unversioned(http::json(sync))
}

fn not_read(error: RunError) -> Problem {
    match error {
        RunError::Table(error) => error.into(),
        error => {
            let detail = format!(
                "Nothing was changed. The directory could not be read: {}",
                error.reason()
            );
            Problem {
                source: Some(error.into()),
                ..Problem::new(Code::Unavailable, detail)
            }
        }
    }
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(sync_directory, "POST /directories/{directory_id}/sync")
    .table(&[BatchGetItem, GetItem, PutItem, Query, UpdateItem])
    .indexes(&["gsi3"])
    .answers(|operation| {
        operation
            .plain::<DirectorySync>("The run is on the queue, or the plan.")
            .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
    });

impl Example for DirectorySyncRequest {
    fn example() -> Value {
        json!({"dry_run": true})
    }
}

impl Example for DirectorySync {
    fn example() -> Value {
        json!({
            "queued": false,
            "plan": {
                "is_complete": true,
                "users_read": 120,
                "failed": 0,
                "memberships_given": 240,
                "memberships_gained": 0,
                "memberships_lost": 1,
                "is_blocked": false,
                "organizations": [],
                "teams": [],
                "users": [{
                    "user_id": "ada",
                    "disabled": null,
                    "tenant_admin": null,
                    "gains": [],
                    "loses": [{
                        "organization_id": example::ORGANIZATION,
                        "team_id": null,
                        "role": null,
                        "group_id": example::ORGANIZATION,
                    }],
                    "changes": [],
                }],
            },
        })
    }
}
