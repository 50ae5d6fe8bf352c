//! The result of a sync, and the progress of a running one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use strum::IntoStaticStr;

use crate::plan::Place;
use crate::snapshot::ReadCounts;
use muster::domain::{Name, OrganizationId, TeamId};

/// Maximum number of failures in a report. Further failures are only counted.
const MAX_FAILURES: usize = 5;

/// The cause of a failure.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The result of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum SyncOutcome {
    /// The table was changed to match the directory.
    Synced,
    /// The table already matched the directory.
    Unchanged,
    /// Some changes could not be written. The next login retries them.
    Partial,
    /// The directory or the table could not be read, or the event names no user. Nothing was changed.
    Failed,
    /// The sync is off, the user has no object id, or the event's user id is not valid.
    Skipped,
    /// The event does not concern a user.
    Ignored,
    /// The time was up. The next login finishes the sync.
    TimedOut,
}

impl SyncOutcome {
    /// Returns its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The numbers of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that were read.
    pub read: ReadCounts,
    /// Organizations that were created.
    pub organizations_made: usize,
    /// Teams that were created.
    pub teams_made: usize,
    /// Memberships in organizations and teams that were created or became active (again).
    pub memberships_made: usize,
    /// Memberships that did not change.
    pub memberships_kept: usize,
    /// Memberships that were removed or suspended.
    pub memberships_removed: usize,
    /// Memberships of which only the role changed, to match the directory.
    pub roles_changed: usize,
    /// Teams, and memberships in them, that were moved into an organization that could not be created before.
    pub moved: usize,
    /// Organizations and teams that were renamed.
    pub renamed: usize,
    /// Writes that failed.
    pub failed: usize,
}

impl Counts {
    /// Adds the numbers of another sync.
    pub(crate) fn add(&mut self, other: &Self) {
        self.organizations_made += other.organizations_made;
        self.teams_made += other.teams_made;
        self.memberships_made += other.memberships_made;
        self.memberships_kept += other.memberships_kept;
        self.memberships_removed += other.memberships_removed;
        self.roles_changed += other.roles_changed;
        self.moved += other.moved;
        self.renamed += other.renamed;
        self.failed += other.failed;
    }

    /// Returns the number of changes.
    pub(crate) fn changed(&self) -> usize {
        self.organizations_made
            + self.teams_made
            + self.memberships_made
            + self.memberships_removed
            + self.roles_changed
            + self.moved
            + self.renamed
    }
}

/// The result of a sync, without personal data.
#[derive(Debug)]
pub struct SyncReport {
    /// The outcome.
    pub outcome: SyncOutcome,
    /// Why it was skipped or ignored.
    pub reason: Option<&'static str>,
    /// The numbers of changes.
    pub counts: Counts,
    /// The time that reading the directory took.
    pub reading: Duration,
    /// The first failures.
    pub failures: Vec<Failure>,
}

impl SyncReport {
    /// Returns the report of an event that requires no sync.
    pub fn without_sync(outcome: SyncOutcome, reason: &'static str) -> Self {
        SyncProgress::default().report(outcome, Some(reason))
    }

    /// Returns the report of a sync that could not start.
    pub fn failed(failure: impl Into<Failure>) -> Self {
        let progress = SyncProgress::default();
        progress.fail(failure);
        progress.report(SyncOutcome::Failed, None)
    }
}

/// An organization or a team with a suffixed name, although its group's own name may be free by now.
#[derive(Clone, Debug)]
pub(crate) struct Suffixed {
    pub(crate) place: Place,
    /// Its version.
    pub(crate) version: u64,
    /// The name without the suffix.
    pub(crate) name: Name,
    /// Whether this sync already counted its rename.
    pub(crate) is_counted: bool,
}

/// The progress of a running sync, so that a sync that is cut off can be reported too.
#[derive(Default)]
pub(crate) struct SyncProgress(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) counts: Counts,
    pub(crate) reading: Duration,
    failures: Vec<Failure>,
    /// Whether an organization or a team could not be created or renamed.
    pub(crate) not_all_made: bool,
    /// Whether another write changed what was to be renamed. The next login checks it again.
    pub(crate) overtaken: bool,
    /// Number of removals and role changes that were not made, because the items have changed since they were read.
    pub(crate) not_taken: usize,
    /// Organizations that could not be created. Their teams are standalone.
    pub(crate) not_made: BTreeSet<OrganizationId>,
    /// Teams that could not be created. The user does not join them.
    pub(crate) teams_not_made: BTreeSet<TeamId>,
    /// Teams that could not be moved into their organization. They wait for it.
    pub(crate) teams_not_moved: BTreeSet<TeamId>,
    /// Organizations and teams that were named `Name (id)` because the name was taken.
    pub(crate) suffixed: Vec<Suffixed>,
    /// Whether any of them keeps that name, so that it is checked again soon.
    pub(crate) has_suffixes: bool,
}

impl SyncProgress {
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn fail(&self, error: impl Into<Failure>) {
        self.with(|state| {
            if state.failures.len() < MAX_FAILURES {
                state.failures.push(error.into());
            }
        });
    }

    /// Returns the value, or `None` after recording the failure.
    pub(crate) fn kept<T>(&self, read: Result<T, impl Into<Failure>>) -> Option<T> {
        read.map_err(|error| self.fail(error)).ok()
    }

    /// Counts a write that failed.
    pub(crate) fn written<T>(&self, written: Result<T, impl Into<Failure>>) -> Option<T> {
        if written.is_err() {
            self.with(|state| state.counts.failed += 1);
        }
        self.kept(written)
    }

    pub(crate) fn report(self, outcome: SyncOutcome, reason: Option<&'static str>) -> SyncReport {
        let State {
            counts,
            reading,
            failures,
            ..
        } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        SyncReport {
            outcome,
            reason,
            counts,
            reading,
            failures,
        }
    }
}
