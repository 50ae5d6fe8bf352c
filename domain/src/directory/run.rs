//! Runs: reads of a directory without a login.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RemovalLimit;
use crate::{DirectoryId, DirectoryRunId, Timestamp, UserId};

/// The scope of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// What has changed since the last run.
    Changes,
    /// The groups of every user: for the first time, once a day, after a change of the directory, and when the
    /// link to the changes in Entra has expired.
    Complete,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Changes were made to match the directory.
    Synced,
    /// No changes were needed.
    Unchanged,
    /// For some users the directory could not be read, or a change could not be written. The next run retries them.
    Partial,
    /// The directory could not be read to the end, or was paused meanwhile. Changes made until then are kept.
    Failed,
    /// It would have ended more memberships than `removal_limit` allows, and ended none. A tenant admin confirms it, or
    /// corrects the directory.
    RunBlocked,
    /// The directory can no longer be read: consent or a permission was withdrawn. Changes made until then are kept.
    Broken,
}

impl RunOutcome {
    /// Returns whether the directory could be read.
    pub const fn has_read(self) -> bool {
        !matches!(self, Self::Failed | Self::Broken)
    }
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RunNumbers {
    /// Users whose groups were read.
    pub users_read: u64,
    /// Memberships in organizations and teams that were created, or became active again.
    pub memberships_made: u64,
    /// Memberships that were removed or suspended.
    pub memberships_ended: u64,
    /// Memberships that would have been removed or suspended, or whose user would have been disabled, when the run was
    /// blocked.
    pub memberships_held_back: u64,
    /// Memberships whose role changed.
    pub roles_changed: u64,
    /// Organizations that were created.
    pub organizations_made: u64,
    /// Teams that were created.
    pub teams_made: u64,
    /// Users who were disabled, because their account in the directory is disabled or deleted.
    pub users_disabled: u64,
    /// Users who were enabled again.
    pub users_enabled: u64,
    /// Users who could not be read, and writes that failed.
    pub failed: u64,
    /// Requests to Microsoft Graph.
    pub graph_calls: u64,
    /// Memberships that the directory grants, as counted by the last complete run and changed since.
    pub memberships_given: u64,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryRun {
    /// The id: a UUID that sorts by the time of the start. Events of the run have it as `context.request_id`.
    pub id: DirectoryRunId,
    /// The directory.
    pub directory_id: DirectoryId,
    /// Scope of the run.
    pub kind: RunKind,
    /// Outcome of the run.
    pub outcome: RunOutcome,
    /// Why it failed or was blocked; otherwise `null`.
    pub reason: Option<String>,
    /// The user who asked for it; `null` for the timer.
    pub requested_by: Option<UserId>,
    /// The start.
    pub started_at: Timestamp,
    /// The end.
    pub ended_at: Timestamp,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Numbers of users read and of changes by kind.
    pub numbers: RunNumbers,
    /// The path of the list of the tenant's events during the run.
    pub events: String,
}

impl RunNumbers {
    /// Adds the numbers of a part of the run.
    pub fn add(&mut self, part: &Self) {
        self.users_read += part.users_read;
        self.memberships_made += part.memberships_made;
        self.memberships_ended += part.memberships_ended;
        self.memberships_held_back += part.memberships_held_back;
        self.roles_changed += part.roles_changed;
        self.organizations_made += part.organizations_made;
        self.teams_made += part.teams_made;
        self.users_disabled += part.users_disabled;
        self.users_enabled += part.users_enabled;
        self.failed += part.failed;
        self.graph_calls += part.graph_calls;
        self.memberships_given += part.memberships_given;
    }

    /// Returns the number of changes.
    pub fn changed(&self) -> u64 {
        self.memberships_made
            + self.memberships_ended
            + self.roles_changed
            + self.organizations_made
            + self.teams_made
            + self.users_disabled
            + self.users_enabled
    }
}

impl RemovalLimit {
    /// Returns whether a run may end that many memberships, of all that the directory gives.
    ///
    /// It may end up to `count` in any case, so that a small directory is not blocked by one who leaves, and otherwise
    /// the share `percent`.
    pub fn allows(self, ended: u64, given: u64) -> bool {
        ended <= u64::from(self.count)
            || u128::from(ended) * 100 <= u128::from(given) * u128::from(self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_blocked_above_both_limits() {
        let limit = RemovalLimit {
            percent: 20,
            count: 20,
        };
        for (ended, given, is_allowed) in [
            (0, 0, true),
            (20, 20, true),
            (21, 21, false),
            (21, 104, false),
            (21, 105, true),
            (200, 1_000, true),
            (201, 1_000, false),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(limit.allows(ended, given), is_allowed, "{ended} of {given}");
        }
    }
}
