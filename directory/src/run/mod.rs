//! Runs: what a directory says about all users who are known, without a login. See `docs/ENTRA.md`.
//!
//! A run reads what has changed since the last one, or everything, and applies the same plan as a login to each user
//! concerned. It goes through the users twice: first it adds, and counts what it would take away. Only if that is within
//! the limit does it take it away. Its progress is saved, so that another invocation continues.

mod passes;
mod preview;
mod report;
mod scope;
mod user;
mod work;

use std::sync::{Mutex, PoisonError};

use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::entra::error::{ReadError, TokenError};
use crate::entra::settings::EntraSettings;
use crate::scim::{ScimEffect, ScimReport};
use crate::sync::followed::Directories;
use muster::config::SettingError;
use muster::domain::{
    Actor, Clock, Directory, DirectoryId, DirectoryRun, DirectoryRunId, Origin, RunKind,
    RunNumbers, RunOutcome, TenantId, UserId,
};
use muster::store::{self, OpenRun, RunClaim, Store};

use passes::WorkEnd;
use report::ended;
use work::Work;

/// A queued run: a message of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTask {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The directory.
    pub directory_id: DirectoryId,
    /// The tenant admin who asked for it; `None` for the timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<UserId>,
    /// Number of failed attempts so far. Used only for directories of type `scim`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u32,
}

/// How an invocation ended.
#[derive(Debug)]
pub enum RunEnd {
    /// The run has ended.
    Finished(Box<DirectoryRun>),
    /// The directory is of type `scim`, whose requests are followed at once. Finished the changes that they left, except
    /// those that failed.
    ScimFinished(ScimReport),
    /// The time is up, and the progress is saved. Another invocation continues.
    Continues,
    /// Another run holds the lease of the directory, or the directory changed during this one, which is not recorded.
    LeaseHeld,
    /// Another invocation finishes the changes that requests of a directory of type `scim` left. It may have passed those
    /// that this one was asked for.
    Waits,
    /// The directory is gone, or not active: nothing was done.
    Inactive,
}

/// Why a run failed or stopped early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The directory could not be read.
    #[error("the directory could not be read")]
    Read(#[from] ReadError),
    /// The table failed.
    #[error("the table failed")]
    Table(#[from] store::Error),
    /// The deployment lacks a setting that the directory needs.
    #[error("the deployment lacks a setting for the directory")]
    Setting(#[from] SettingError),
    /// The directory was paused or deleted meanwhile.
    #[error(
        "the directory was paused or deleted while it was read; what was changed until then stays"
    )]
    Stopped,
    /// A complete run in which no user could be followed.
    #[error("no user could be read (users tried: {0})")]
    Unread(u64),
    /// The run was slower than its lease, and another one has the directory.
    #[error("another run has taken the directory over")]
    Overtaken,
}

impl RunError {
    /// Returns whether the time was up.
    fn is_out_of_time(&self) -> bool {
        matches!(
            self,
            Self::Read(ReadError::OutOfTime | ReadError::Token(TokenError::OutOfTime))
        )
    }

    /// Returns whether accounts can no longer be read, and groups may be.
    fn is_of_accounts(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_of_accounts())
    }
}

/// Makes runs.
#[derive(Debug)]
pub struct Runs {
    directories: Directories,
    clock: Clock,
}

/// Why one user could not be followed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The result of an invocation.
#[derive(Debug)]
pub struct RunReport {
    /// How it ended.
    pub end: RunEnd,
    /// Why the directory could not be read.
    pub error: Option<RunError>,
    /// The first failures of single users.
    pub failures: Vec<Failure>,
}

impl Runs {
    /// Creates them from the settings of the sync, with that [client](crate::http_client).
    pub fn new(settings: EntraSettings, client: &Client, clock: Clock) -> Self {
        let directories =
            Directories::new(None, settings.connections, client.clone(), clock.clone());
        Self { directories, clock }
    }

    /// Makes a run, or continues one that is under way, until the deadline. A run that cannot read the directory is
    /// recorded as failed. Returns an error if the table fails: then nothing is recorded.
    ///
    /// A directory of type `scim` is not read and has no record of runs. What its requests did not finish is finished here.
    pub async fn run(
        &self,
        store: &Store,
        task: &RunTask,
        deadline: Instant,
    ) -> Result<RunReport, store::Error> {
        let (tenant, id) = (&task.tenant_id, &task.directory_id);
        let Some(directory) = store.directory_to_run(tenant, id).await? else {
            return Ok(RunReport::of(RunEnd::Inactive));
        };
        let Some(entra) = &directory.entra else {
            return self.take_up(store, &directory, deadline).await;
        };
        let RunClaim::Granted(lease, mut state, confirmed) = store.claim_run(tenant, id).await?
        else {
            return Ok(RunReport::of(RunEnd::LeaseHeld));
        };
        let open = state.open.take();
        let mut open = open.unwrap_or_else(|| self.opened(task));
        let before = state.clone();
        let mut failures = Vec::new();
        let result = async {
            let reader = self
                .directories
                .directory(entra, &directory.settings)?
                .in_background();
            let work = Work {
                store,
                directory: &directory,
                reader,
                lease: &lease,
                clock: &self.clock,
                confirmed: confirmed.as_ref(),
                deadline,
                failures: Mutex::default(),
            };
            let right = Work::keep_right(store, &lease);
            let result = tokio::select! {
                result = work.go(&mut state, &mut open) => result,
                lost = right => Err(lost),
            };
            open.numbers.graph_calls += work.reader.asked();
            failures = work
                .failures
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            result
        };
        let (outcome, error) = match Box::pin(result).await {
            Err(RunError::Overtaken) => {
                let error = Some(RunError::Overtaken);
                return Ok(RunReport {
                    error,
                    failures,
                    ..RunReport::of(RunEnd::LeaseHeld)
                });
            }
            Err(RunError::Table(error)) => {
                state.open = Some(open);
                store.release_run(&lease, &state).await?;
                return Err(error);
            }
            result if is_out_of_time(&result) => {
                state.open = Some(open);
                store.release_run(&lease, &state).await?;
                return Ok(RunReport {
                    failures,
                    ..RunReport::of(RunEnd::Continues)
                });
            }
            Ok(WorkEnd::Blocked) => (RunOutcome::RunBlocked, None),
            Ok(WorkEnd::Done | WorkEnd::OutOfTime) => {
                state.close(&mut open, self.clock.now());
                (report::outcome(&open.numbers), None)
            }
            Err(error) => {
                open.numbers.memberships_given = state.given;
                if error.is_of_accounts() {
                    // A tenant admin who sets the status to active decides whether accounts are followed. What has
                    // changed until then is found by a run that reads everything.
                    state.account_link = None;
                    state.sees_accounts = false;
                    state.complete_at = None;
                }
                (report::failed(&error), Some(error))
            }
        };
        let run = ended(&directory, &open, outcome, error.as_ref(), self.clock.now());
        let is_recorded = store
            .finish_run(&lease, confirmed.as_ref(), &directory, &state, &run)
            .await?;
        if !is_recorded {
            // The directory was deleted or changed meanwhile, or another run has taken it over. The next one starts again.
            store.release_run(&lease, &before).await?;
        }
        let (end, error) = match error {
            // Someone did it on purpose.
            Some(RunError::Stopped) => (RunEnd::Inactive, None),
            error if is_recorded => (RunEnd::Finished(run.into()), error),
            error => (RunEnd::LeaseHeld, error),
        };
        Ok(RunReport {
            end,
            error,
            failures,
        })
    }
}

impl Runs {
    /// Returns a run that begins.
    fn opened(&self, task: &RunTask) -> OpenRun {
        OpenRun {
            id: DirectoryRunId::from(self.clock.new_id()),
            kind: RunKind::Changes,
            followed: String::new(),
            requested_by: task.requested_by.clone(),
            started_at: self.clock.now(),
            takes_away: false,
            taken: 0,
            done_to: None,
            numbers: RunNumbers::default(),
            group_links: Vec::new(),
            account_link: None,
            again: Vec::new(),
            unread: 0,
            sees_accounts: false,
            earlier: RunNumbers::default(),
            leaving: Some(Vec::new()),
        }
    }

    /// Finishes what the requests of a directory of type `scim` left unfinished.
    async fn take_up(
        &self,
        store: &Store,
        directory: &Directory,
        deadline: Instant,
    ) -> Result<RunReport, store::Error> {
        let (scope, claimed) = (
            directory.scope(),
            store.claim_run(&directory.tenant_id, &directory.id).await?,
        );
        let RunClaim::Granted(lease, state, _) = claimed else {
            return Ok(RunReport::of(RunEnd::Waits));
        };
        let origin = Origin {
            actor: Actor::scim(&directory.id),
            ..store::origin_of_run(&self.clock.new_id().into())
        };
        let effect = ScimEffect::new(self.clock.clone());
        let taken_up = effect.take_up(store, &scope, &origin, deadline).await;
        store.release_run(&lease, &state).await?;
        let mut report = taken_up?;
        let failures = std::mem::take(&mut report.failures);
        Ok(RunReport {
            failures,
            ..RunReport::of(if report.is_out_of_time {
                RunEnd::Continues
            } else {
                RunEnd::ScimFinished(report)
            })
        })
    }
}

impl RunReport {
    const fn of(end: RunEnd) -> Self {
        Self {
            end,
            error: None,
            failures: Vec::new(),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_out_of_time(result: &Result<WorkEnd, RunError>) -> bool {
    match result {
        Ok(end) => *end == WorkEnd::OutOfTime,
        Err(error) => error.is_out_of_time(),
    }
}
