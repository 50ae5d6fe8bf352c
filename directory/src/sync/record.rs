//! The log line of a login sync.

use std::time::Duration;

use serde::Serialize;

use super::OFF;
use crate::apply::report::{SyncOutcome, SyncReport};
use muster::domain::Timestamp;
use muster::store::{Measure, Profile};
use muster::telemetry::{Counted, Level, Metric, Record, Telemetry, milliseconds, person};

/// One login sync and its result.
#[derive(Clone, Debug)]
pub struct SyncLine<'a> {
    /// When it ended.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// The user who signed in, if the event has one.
    pub profile: Option<&'a Profile>,
    /// The result of the sync.
    pub report: &'a SyncReport,
    /// The time from the event's arrival to the response.
    pub duration: Duration,
    /// The cost of its DynamoDB calls.
    pub measure: Measure,
}

impl SyncLine<'_> {
    /// Writes the line, and one line for each failure of the report.
    pub fn write(&self, telemetry: &Telemetry) {
        for failure in &self.report.failures {
            telemetry.failure(self.now, self.request_id, "login-sync", failure.as_ref());
        }
        telemetry.write(self);
    }
}

impl Record for SyncLine<'_> {
    const MESSAGE: &'static str = "login sync";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("Syncs"),
                Metric::milliseconds("SyncDuration"),
                Metric::milliseconds("DirectoryDuration"),
                Metric::count("GroupsRead"),
                Metric::count("OrganizationsMade"),
                Metric::count("TeamsMade"),
                Metric::count("MembershipsMade"),
                Metric::count("MembershipsKept"),
                Metric::count("MembershipsRemoved"),
                Metric::count("RolesChanged"),
                Metric::count("WritesFailed"),
            ],
        ),
        (&[&["outcome"]], &[Metric::count("Syncs")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        match self.report.outcome {
            SyncOutcome::Synced | SyncOutcome::Unchanged | SyncOutcome::Ignored => Level::Info,
            SyncOutcome::Skipped if self.report.reason == Some(OFF) => Level::Info,
            _ => Level::Warn,
        }
    }

    fn is_ignored(&self) -> bool {
        self.report.outcome == SyncOutcome::Ignored
    }

    fn fields(&self) -> impl Serialize {
        let SyncReport {
            outcome,
            reason,
            counts,
            reading,
            failures: _,
        } = self.report;
        SyncFields {
            request_id: self.request_id,
            tenant: self.profile.map(|profile| profile.tenant_id.as_str()),
            user: self.profile.map(|profile| person(&profile.user_id)),
            outcome: outcome.as_str(),
            reason: *reason,
            syncs: 1,
            duration: milliseconds(self.duration),
            directory_duration: milliseconds(*reading),
            groups_read: counts.read.assigned,
            groups_of_user: counts.read.of_user,
            groups_held: counts.read.held,
            groups_unusable: counts.read.unusable,
            organizations_made: counts.organizations_made,
            teams_made: counts.teams_made,
            memberships_made: counts.memberships_made,
            memberships_kept: counts.memberships_kept,
            memberships_removed: counts.memberships_removed,
            roles_changed: counts.roles_changed,
            moved: counts.moved,
            renamed: counts.renamed,
            writes_failed: counts.failed,
            round_trips: self.measure.round_trips,
            calls: self.measure.calls,
            units: self.measure.units,
        }
    }
}

/// The fields of one login sync.
#[derive(Serialize)]
struct SyncFields<'a> {
    request_id: &'a str,
    tenant: Option<&'a str>,
    user: Option<String>,
    outcome: &'static str,
    reason: Option<&'static str>,
    #[serde(rename = "Syncs")]
    syncs: u32,
    #[serde(rename = "SyncDuration")]
    duration: f64,
    #[serde(rename = "DirectoryDuration")]
    directory_duration: f64,
    #[serde(rename = "GroupsRead")]
    groups_read: usize,
    groups_of_user: usize,
    groups_held: usize,
    groups_unusable: usize,
    #[serde(rename = "OrganizationsMade")]
    organizations_made: usize,
    #[serde(rename = "TeamsMade")]
    teams_made: usize,
    #[serde(rename = "MembershipsMade")]
    memberships_made: usize,
    #[serde(rename = "MembershipsKept")]
    memberships_kept: usize,
    #[serde(rename = "MembershipsRemoved")]
    memberships_removed: usize,
    #[serde(rename = "RolesChanged")]
    roles_changed: usize,
    moved: usize,
    renamed: usize,
    #[serde(rename = "WritesFailed")]
    writes_failed: usize,
    round_trips: u32,
    calls: u32,
    units: f64,
}
