//! What came of a sync, and what is known of one that goes on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::plan::Place;
use crate::snapshot::ReadCounts;
use muster::domain::{Name, OrganizationId, TeamId};

/// Failures that a report tells of; the rest are counted.
const MAX_FAILURES: usize = 5;

/// Why something did not work out.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The table was changed to what the directory says.
    Synced,
    /// The table was what the directory says.
    Unchanged,
    /// Some of it could not be written; the next login finishes it.
    Partial,
    /// The directory or the table could not be read, or the event names nobody; nothing was changed.
    Failed,
    /// The sync is off, the user has no object id, or their id is one that no user can have.
    Skipped,
    /// The event is about no user.
    Ignored,
    /// The time was up; the next login finishes it.
    TimedOut,
}

impl Outcome {
    /// Its name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Unchanged => "unchanged",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Ignored => "ignored",
            Self::TimedOut => "timed-out",
        }
    }
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that were read.
    pub read: ReadCounts,
    /// Organizations that were made.
    pub organizations_made: usize,
    /// Teams that were made.
    pub teams_made: usize,
    /// Memberships that were made, or became active (again), in organizations and teams.
    pub memberships_made: usize,
    /// Memberships that stayed as they were.
    pub memberships_kept: usize,
    /// Memberships that were taken away or suspended.
    pub memberships_removed: usize,
    /// Memberships whose role followed the directory, and no more than that.
    pub roles_changed: usize,
    /// Teams, and memberships in them, that were put into the organization that could not be made before.
    pub moved: usize,
    /// What was renamed.
    pub renamed: usize,
    /// Writes that failed.
    pub failed: usize,
}

impl Counts {
    /// How many changes were made.
    pub(super) fn changed(&self) -> usize {
        self.organizations_made
            + self.teams_made
            + self.memberships_made
            + self.memberships_removed
            + self.roles_changed
            + self.moved
            + self.renamed
    }
}

/// What came of a sync, without anything personal.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped or ignored.
    pub reason: Option<&'static str>,
    /// How much was done.
    pub counts: Counts,
    /// How long the directory took.
    pub reading: Duration,
    /// The first failures.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Of an event that asks for no sync.
    pub fn without_sync(outcome: Outcome, reason: &'static str) -> Self {
        Progress::default().report(outcome, Some(reason))
    }

    /// Of a sync that could not begin.
    pub fn failed(failure: impl Into<Failure>) -> Self {
        let progress = Progress::default();
        progress.fail(failure);
        progress.report(Outcome::Failed, None)
    }
}

/// Something whose name has a suffix, though its group's own name may be free by now.
#[derive(Clone, Debug)]
pub(super) struct Suffixed {
    pub(super) place: Place,
    /// Its version.
    pub(super) version: u64,
    /// The name without the suffix.
    pub(super) name: Name,
    /// Whether this sync renamed it already.
    pub(super) is_counted: bool,
}

/// What is known of a sync while it goes on, so that one that is cut off can be reported too.
#[derive(Default)]
pub(super) struct Progress(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub(super) counts: Counts,
    pub(super) reading: Duration,
    failures: Vec<Failure>,
    /// Whether an organization or a team was not made, or not renamed.
    pub(super) not_all_made: bool,
    /// Whether somebody changed what was to be renamed: the next login looks at it again.
    pub(super) overtaken: bool,
    /// Organizations that could not be made: their teams stand alone.
    pub(super) not_made: BTreeSet<OrganizationId>,
    /// Teams that could not be made: nobody joins them.
    pub(super) teams_not_made: BTreeSet<TeamId>,
    /// Teams that could not be put into their organization: they wait for it.
    pub(super) teams_not_moved: BTreeSet<TeamId>,
    /// What is called `Name (id)` after its write, because the name was taken.
    pub(super) suffixed: Vec<Suffixed>,
    /// Whether something keeps such a name, so that it is looked at again soon.
    pub(super) has_suffixes: bool,
}

impl Progress {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn fail(&self, error: impl Into<Failure>) {
        self.with(|state| {
            if state.failures.len() < MAX_FAILURES {
                state.failures.push(error.into());
            }
        });
    }

    /// What was read, or nothing, and why.
    pub(super) fn kept<T>(&self, read: Result<T, impl Into<Failure>>) -> Option<T> {
        read.map_err(|error| self.fail(error)).ok()
    }

    /// Counts a write that failed.
    pub(super) fn written<T>(&self, written: Result<T, impl Into<Failure>>) -> Option<T> {
        if written.is_err() {
            self.with(|state| state.counts.failed += 1);
        }
        self.kept(written)
    }

    pub(super) fn report(self, outcome: Outcome, reason: Option<&'static str>) -> Report {
        let State {
            counts,
            reading,
            failures,
            ..
        } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Report {
            outcome,
            reason,
            counts,
            reading,
            failures,
        }
    }
}
