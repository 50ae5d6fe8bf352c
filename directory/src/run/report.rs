//! The record of a run.

use super::RunError;
use muster::domain::{Directory, DirectoryRun, RunNumbers, RunOutcome, Timestamp};
use muster::store::OpenRun;

/// Returns the outcome of a run that came to its end.
pub(super) fn outcome(numbers: &RunNumbers) -> RunOutcome {
    if numbers.failed > 0 {
        RunOutcome::Partial
    } else if numbers.changed() > 0 {
        RunOutcome::Synced
    } else {
        RunOutcome::Unchanged
    }
}

/// Returns the outcome of a run that could not read the directory.
pub(super) fn failed(error: &RunError) -> RunOutcome {
    match error {
        RunError::Read(error) if error.lost_access().is_some() => RunOutcome::Broken,
        _ => RunOutcome::Failed,
    }
}

/// Returns the record of a run.
pub(super) fn ended(
    directory: &Directory,
    open: &OpenRun,
    outcome: RunOutcome,
    error: Option<&RunError>,
    now: Timestamp,
) -> DirectoryRun {
    let reason = match (error, outcome) {
        (Some(error), _) => Some(error.reason()),
        (None, RunOutcome::RunBlocked)
            if directory.settings.removal_limit.allows(
                open.numbers.memberships_held_back,
                open.numbers.memberships_given,
            ) =>
        {
            Some(format!(
                "A run was blocked before, and not all memberships that would end are known, because some users could not be read now ({}). Confirm the run, or correct the directory.",
                open.numbers.failed,
            ))
        }
        (None, RunOutcome::RunBlocked) => {
            let limit = directory.settings.removal_limit;
            Some(format!(
                "{} of {} memberships would end, more than {} and {} percent. Confirm the run, or correct the directory.",
                open.numbers.memberships_held_back,
                open.numbers.memberships_given,
                limit.count,
                limit.percent,
            ))
        }
        (None, RunOutcome::Partial) => Some(
            "Some users could not be read, or some changes could not be written. The next run tries them again."
                .to_owned(),
        ),
        (None, _) => None,
    };
    let (from, to) = (open.started_at, now);
    DirectoryRun {
        id: open.id.clone(),
        directory_id: directory.id.clone(),
        kind: open.kind,
        outcome,
        reason,
        requested_by: open.requested_by.clone(),
        started_at: from,
        ended_at: to,
        duration_ms: u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0),
        numbers: open.numbers,
        events: format!("/events?from={from}&to={to}"),
    }
}

impl RunError {
    /// Returns why the directory could not be read, for its administrators.
    pub fn reason(&self) -> String {
        match self {
            Self::Read(error) => error.lost_access().unwrap_or_else(|| whole(error)),
            error => whole(error),
        }
    }
}

/// Returns an error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
