//! Puts a run of each active directory on the queue, each `ReconcileMinutes`, and counts the directories whose state an
//! administrator has to change.
//!
//! A run that is missing is late, not lost: the next timer puts it on the queue again. Two runs of a directory at the same
//! time are one: the second finds that the first has the directory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::config::SettingError;
use muster::store::metered;
use muster_directory::RunTask;
use serde_json::{Value, json};

use super::queue::RunQueue;
use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, deadline, event_source};
use crate::services::Services as _;
use crate::{App, Variables};

/// The variable with the minutes between two runs.
const RECONCILE_MINUTES: &str = "RECONCILE_MINUTES";
/// A directory is late after this many times the minutes between two runs.
const LATE_AFTER: u64 = 3;
/// Time to put the runs on the queue.
const BUDGET: Duration = Duration::from_secs(50);
/// Left of the invocation's time for the log line.
const RESERVE: Duration = Duration::from_secs(6);
/// Directories that are read at once.
const PAGE: usize = 100;

struct Schedule {
    app: App,
    queue: RunQueue,
    /// After this time without a run that could read it, a directory is late.
    late_after: Duration,
}

run_counts! {
    /// One schedule of runs.
    ScheduleCounts of "schedule-reconciles", "schedule reconciles", warns of late | failed;
    /// Runs that are on the queue.
    queued => "RunsQueued",
    /// Directories that no run could read for a long time.
    late => "DirectoriesLate",
    /// Directories whose next run would end too many memberships, until it is confirmed or they are corrected.
    blocked => "DirectoriesBlocked",
    /// Directories that lost consent or a permission.
    broken => "DirectoriesBroken",
    /// Runs that are not on the queue.
    failed => "RunsNotQueued",
}

/// The function, with the queue and the minutes that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let minutes = variables(RECONCILE_MINUTES).filter(|it| !it.is_empty());
    let minutes = minutes.map_or(Ok(15), |text| {
        text.parse::<u64>().map_err(|_| SettingError {
            variable: RECONCILE_MINUTES,
            problem: "must be a number of minutes".to_owned(),
        })
    })?;
    let schedule = Schedule {
        queue: RunQueue::read(&app, variables)?,
        late_after: Duration::from_secs(60 * LATE_AFTER * minutes.max(1)),
        app,
    };
    Ok(event_source(schedule, handle))
}

/// Puts the runs on the queue. Fails if the directories cannot be read.
async fn handle(own: Arc<Schedule>, _: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let app = &own.app;
    let until = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let mut counts = ScheduleCounts::default();
    let work = own.work(until, &context.request_id, &mut counts);
    let (result, measure) = metered(work).await;
    counts.failed += usize::from(result.is_err());
    app.telemetry.write(&RunLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        counts,
        duration: arrived.elapsed(),
        measure: Some(measure),
    });
    result?;
    let ScheduleCounts {
        queued,
        late,
        blocked,
        broken,
        failed,
    } = counts;
    Ok(json!({
        "queued": queued, "late": late, "blocked": blocked, "broken": broken, "failed": failed
    }))
}

impl Schedule {
    async fn work(
        &self,
        until: tokio::time::Instant,
        request_id: &str,
        counts: &mut ScheduleCounts,
    ) -> Result<(), Error> {
        let app = &self.app;
        let mut after = None;
        loop {
            if tokio::time::Instant::now() >= until {
                return Err("the time limit was exceeded before all directories were read".into());
            }
            let (found, next) = app.store.watched_directories(after, PAGE).await?;
            let now = app.clock.now();
            let found = found.into_iter().filter_map(|one| {
                one.inspect_err(|error| {
                    counts.failed += 1;
                    app.telemetry
                        .failure(now, request_id, "schedule-reconciles", error);
                })
                .ok()
            });
            let (broken, active): (Vec<_>, Vec<_>) = found.partition(|it| it.is_broken);
            counts.broken += broken.len();
            counts.blocked += active.iter().filter(|it| it.is_blocked).count();
            let late = active
                .iter()
                .filter_map(|one| one.last_read_at)
                .filter(|last| now >= last.after(self.late_after));
            counts.late += late.count();
            let tasks: Vec<_> = active
                .into_iter()
                .map(|one| RunTask {
                    tenant_id: one.tenant_id,
                    directory_id: one.id,
                    requested_by: None,
                    tries: 0,
                })
                .collect();
            let sent = self.queue.put_all(&tasks, Duration::ZERO).await;
            let (failed, error) = match sent {
                Ok((failed, error)) => (failed, error.map(|it| it.to_string())),
                Err(error) => (tasks.len(), Some(error.to_string())),
            };
            counts.queued += tasks.len() - failed;
            counts.failed += failed;
            if let Some(error) = error {
                let error: Box<dyn std::error::Error + Send + Sync> = error.into();
                app.telemetry
                    .failure(now, request_id, "schedule-reconciles", &*error);
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }
}
