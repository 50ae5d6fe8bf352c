//! Makes the runs of directories, from their queue.
//!
//! A directory has one run at a time; a message for another one is dropped, unless a tenant admin asked for it. A run that
//! is not done when the time is up saves its place, and puts itself on the queue again.
//!
//! For a directory of type `scim`, it finishes what requests left unfinished: those put a message on the queue, and the timer
//! finds what one that was cut off has left. If something fails, it puts itself on the queue again after some seconds, a
//! few times; then the timer tries it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::RunOutcome;
use muster::store::metered;
use muster_directory::{EntraSettings, RunEnd, RunReport, RunTask, Runs};
use serde::Deserialize;
use serde_json::{Value, json};

use super::queue::RunQueue;
use crate::messages::Batch;
use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, deadline, event_source};
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// Time for a run in one invocation. Under the timeout of the function.
const BUDGET: Duration = Duration::from_mins(14);
/// Left of the invocation's time to save the place and to write the log line.
const RESERVE: Duration = Duration::from_secs(15);
/// After how long a run that was asked for is tried again while another one has the directory.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// After how long what failed is tried again: each time twice as long as before.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// How often it is tried again before it is left to the timer: for two minutes.
const MAX_TRIES: u32 = 6;

struct Reconcile {
    app: App,
    queue: RunQueue,
    runs: Runs,
}

run_counts! {
    /// One batch of runs of directories.
    ReconcileCounts of "reconcile-directory", "reconcile directories", warns of failed | run_blocked | broken | users_failed;
    /// Runs that came to their end and read the directory.
    runs => "DirectoryRuns",
    /// Runs that could not read the directory, or whose message could not be dealt with.
    failed => "DirectoryRunsFailed",
    /// Runs that would have ended too many memberships.
    run_blocked => "DirectoriesBlocked",
    /// Directories that lost consent or a permission.
    broken => "DirectoriesBroken",
    /// Runs that another invocation continues.
    continued => "DirectoryRunsContinued",
    /// Messages of directories that another run has, or that are not active.
    dropped,
    /// Users whose groups were read.
    users_read,
    /// Users who could not be read, and writes that failed.
    users_failed => "DirectoryUsersFailed",
    /// Memberships that were created or became active.
    memberships_made => "RunMembershipsMade",
    /// Memberships that were removed or suspended.
    memberships_ended => "RunMembershipsEnded",
    /// Users who were disabled.
    users_disabled => "RunUsersDisabled",
}

/// The function, with the queue and the connection to Entra that the variables describe.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let reconcile = Reconcile {
        queue: RunQueue::read(&app, variables)?,
        runs: <Runs as Services>::read(&app, variables)?,
        app,
    };
    Ok(event_source(reconcile, handle))
}

/// Runs with the connection to Entra that the variables describe.
impl Services for Runs {
    const RIGHTS: &'static [ServiceRight] = &[ServiceRight::Directories];

    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        let settings = EntraSettings::read(variables)?;
        let client = muster_directory::http_client(variables).map_err(SettingError::no_client)?;
        Ok(Self::new(settings, &client, app.clock.clone()))
    }
}

/// Makes the runs of a batch, one after the other, and returns the messages that failed.
async fn handle(own: Arc<Reconcile>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let batch = Batch::deserialize(&batch)?;
    let app = &own.app;
    let request_id = &context.request_id;
    let until = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let mut counts = ReconcileCounts::default();
    let mut failed = Vec::new();
    let ((), measure) = metered(async {
        for record in &batch.records {
            let done = own.reconcile(&record.body, until, request_id, &mut counts);
            if let Err(error) = done.await {
                counts.failed += 1;
                let now = app.clock.now();
                app.telemetry
                    .failure(now, request_id, "reconcile-directory", &*error);
                failed.push(json!({"itemIdentifier": record.message_id}));
            }
        }
    })
    .await;
    app.telemetry.write(&RunLine {
        now: app.clock.now(),
        request_id,
        counts,
        duration: arrived.elapsed(),
        measure: Some(measure),
    });
    Ok(json!({"batchItemFailures": failed}))
}

impl Reconcile {
    async fn reconcile(
        &self,
        message: &str,
        until: tokio::time::Instant,
        request_id: &str,
        counts: &mut ReconcileCounts,
    ) -> Result<(), Error> {
        let mut task: RunTask = serde_json::from_str(message)?;
        let app = &self.app;
        let RunReport {
            end,
            error,
            failures,
        } = Box::pin(self.runs.run(&app.store, &task, until)).await?;
        let now = app.clock.now();
        if let Some(error) = error {
            app.telemetry
                .failure(now, request_id, "directory-run", &error);
        }
        for failure in failures {
            app.telemetry
                .failure(now, request_id, "directory-user", &*failure);
        }
        let again = match end {
            RunEnd::Finished(run) => {
                let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                match run.outcome {
                    RunOutcome::Synced | RunOutcome::Unchanged | RunOutcome::Partial => {
                        counts.runs += 1;
                    }
                    RunOutcome::Failed => counts.failed += 1,
                    RunOutcome::RunBlocked => counts.run_blocked += 1,
                    RunOutcome::Broken => counts.broken += 1,
                }
                counts.users_read += number(run.numbers.users_read);
                counts.users_failed += number(run.numbers.failed);
                counts.memberships_made += number(run.numbers.memberships_made);
                counts.memberships_ended += number(run.numbers.memberships_ended);
                counts.users_disabled += number(run.numbers.users_disabled);
                None
            }
            RunEnd::ScimFinished(report) => {
                counts.users_read += report.followed;
                counts.users_failed += report.left.len() + report.records_left;
                counts.memberships_made += report.counts.memberships_made;
                counts.memberships_ended += report.counts.memberships_removed;
                let again = report.is_unfinished() && task.tries < MAX_TRIES;
                let delay = again.then(|| FIRST_RETRY * 2_u32.pow(task.tries));
                task.tries += 1;
                delay
            }
            RunEnd::Continues => {
                counts.continued += 1;
                Some(Duration::ZERO)
            }
            RunEnd::LeaseHeld => {
                counts.dropped += 1;
                task.requested_by.is_some().then_some(ASK_AGAIN)
            }
            // Who has the directory now began after the try that failed, and finds what it has left.
            RunEnd::Waits if task.tries > 0 => {
                counts.dropped += 1;
                None
            }
            RunEnd::Waits => Some(ASK_AGAIN),
            RunEnd::Inactive => {
                counts.dropped += 1;
                None
            }
        };
        if let Some(delay) = again
            && let (_, Some(error)) = self.queue.put_all(&[task], delay).await?
        {
            return Err(error.into());
        }
        Ok(())
    }
}
