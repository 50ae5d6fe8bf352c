//! The lines as they are written. A field with a capital is a metric; durations are in milliseconds.

use serde::Serialize;

use super::metrics::{Counted, Metrics, count, milliseconds};
use crate::domain::Timestamp;

/// One request.
#[derive(Serialize)]
pub(super) struct RequestRecord<'a> {
    #[serde(rename = "_aws")]
    pub(super) metrics: Metrics<'a>,
    pub(super) level: &'static str,
    pub(super) message: &'static str,
    pub(super) time: Timestamp,
    pub(super) request_id: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) caller: Option<String>,
    pub(super) route: &'a str,
    pub(super) status: u16,
    pub(super) code: &'static str,
    #[serde(rename = "Requests")]
    pub(super) requests: u32,
    #[serde(rename = "Failures")]
    pub(super) failures: u32,
    #[serde(rename = "Duration")]
    pub(super) duration: f64,
    #[serde(rename = "RoundTrips")]
    pub(super) round_trips: u32,
    #[serde(rename = "Repeats")]
    pub(super) repeats: u32,
    pub(super) calls: u32,
    pub(super) units: f64,
}

impl RequestRecord<'_> {
    pub(super) const COUNTED: [Counted; 2] = [
        (
            &[&[], &["route"]],
            &[
                count("Requests"),
                count("Failures"),
                milliseconds("Duration"),
                count("RoundTrips"),
                count("Repeats"),
            ],
        ),
        (&[&["code"], &["route", "code"]], &[count("Requests")]),
    ];
}

/// One login sync.
#[derive(Serialize)]
pub(super) struct SyncRecord<'a> {
    #[serde(rename = "_aws")]
    pub(super) metrics: Metrics<'a>,
    pub(super) level: &'static str,
    pub(super) message: &'static str,
    pub(super) time: Timestamp,
    pub(super) request_id: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) user: Option<String>,
    pub(super) outcome: &'static str,
    pub(super) reason: Option<&'static str>,
    #[serde(rename = "Syncs")]
    pub(super) syncs: u32,
    #[serde(rename = "SyncDuration")]
    pub(super) duration: f64,
    #[serde(rename = "DirectoryDuration")]
    pub(super) directory_duration: f64,
    #[serde(rename = "GroupsRead")]
    pub(super) groups_read: usize,
    pub(super) groups_of_user: usize,
    pub(super) groups_held: usize,
    pub(super) groups_unusable: usize,
    #[serde(rename = "OrganizationsMade")]
    pub(super) organizations_made: usize,
    #[serde(rename = "TeamsMade")]
    pub(super) teams_made: usize,
    #[serde(rename = "MembershipsMade")]
    pub(super) memberships_made: usize,
    #[serde(rename = "MembershipsKept")]
    pub(super) memberships_kept: usize,
    #[serde(rename = "MembershipsRemoved")]
    pub(super) memberships_removed: usize,
    #[serde(rename = "RolesChanged")]
    pub(super) roles_changed: usize,
    pub(super) moved: usize,
    pub(super) renamed: usize,
    #[serde(rename = "WritesFailed")]
    pub(super) writes_failed: usize,
    pub(super) round_trips: u32,
    pub(super) calls: u32,
    pub(super) units: f64,
}

impl SyncRecord<'_> {
    pub(super) const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                count("Syncs"),
                milliseconds("SyncDuration"),
                milliseconds("DirectoryDuration"),
                count("GroupsRead"),
                count("OrganizationsMade"),
                count("TeamsMade"),
                count("MembershipsMade"),
                count("MembershipsKept"),
                count("MembershipsRemoved"),
                count("RolesChanged"),
                count("WritesFailed"),
            ],
        ),
        (&[&["outcome"]], &[count("Syncs")]),
    ];
}

/// One event of a trigger.
#[derive(Serialize)]
pub(super) struct TriggerRecord<'a> {
    #[serde(rename = "_aws")]
    pub(super) metrics: Metrics<'a>,
    pub(super) level: &'static str,
    pub(super) message: &'static str,
    pub(super) time: Timestamp,
    pub(super) request_id: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) user: Option<String>,
    pub(super) trigger: &'static str,
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    #[serde(rename = "Events")]
    pub(super) events: u32,
    #[serde(rename = "Duration")]
    pub(super) duration: f64,
    #[serde(rename = "RoundTrips")]
    pub(super) round_trips: u32,
    pub(super) calls: u32,
    pub(super) units: f64,
}

impl TriggerRecord<'_> {
    pub(super) const COUNTED: [Counted; 2] = [
        (
            &[&["trigger"]],
            &[
                count("Events"),
                milliseconds("Duration"),
                count("RoundTrips"),
            ],
        ),
        (&[&["trigger", "outcome"]], &[count("Events")]),
    ];
}

/// One failure, with all its causes.
#[derive(Serialize)]
pub(super) struct FailureRecord<'a> {
    pub(super) level: &'static str,
    pub(super) message: &'static str,
    pub(super) time: Timestamp,
    pub(super) request_id: &'a str,
    pub(super) code: &'a str,
    pub(super) error: String,
}
