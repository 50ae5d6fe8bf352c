//! The log lines of requests and triggers, one for each. Those of functions that work on batches are in [`crate::runs`].

use std::time::Duration;

use muster::domain::{Caller, TenantId, Timestamp, UserId};
use muster::store::Measure;
use muster::telemetry::{Counted, Level, Metric, Record, milliseconds, person};
use serde::Serialize;

/// One request and how it ended.
#[derive(Clone, Debug)]
pub struct RequestLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// Its id.
    pub request_id: &'a str,
    /// Method and path as in the template.
    pub route: &'a str,
    /// The caller, if known.
    pub caller: Option<&'a Caller>,
    /// The HTTP status.
    pub status: u16,
    /// The code of the error; `ok` without one.
    pub code: &'static str,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// Its cost at DynamoDB.
    pub measure: Measure,
}

impl Record for RequestLine<'_> {
    const MESSAGE: &'static str = "request";
    const COUNTED: [Counted; 2] = [
        // Each set repeats the namespace in every line, so what is counted by code shares the set of the totals.
        (
            &[&[], &["code"]],
            &[
                Metric::count("Requests"),
                Metric::count("RoundTrips"),
                Metric::count("Repeats"),
            ],
        ),
        // The number of durations is that of requests.
        (
            &[&[], &["route"]],
            &[Metric::count("Failures"), Metric::milliseconds("Duration")],
        ),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn fields(&self) -> impl Serialize {
        RequestFields {
            request_id: self.request_id,
            tenant: self.caller.map(|caller| caller.tenant_id.as_str()),
            caller: self.caller.map(|caller| person(&caller.user_id)),
            route: self.route,
            status: self.status,
            code: self.code,
            requests: 1,
            failures: u32::from(self.status >= 500),
            duration: milliseconds(self.duration),
            round_trips: self.measure.round_trips,
            repeats: self.measure.repeats,
            calls: self.measure.calls,
            units: self.measure.units,
        }
    }
}

/// One request.
#[derive(Serialize)]
struct RequestFields<'a> {
    request_id: &'a str,
    tenant: Option<&'a str>,
    caller: Option<String>,
    route: &'a str,
    status: u16,
    code: &'static str,
    #[serde(rename = "Requests")]
    requests: u32,
    #[serde(rename = "Failures")]
    failures: u32,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "RoundTrips")]
    round_trips: u32,
    #[serde(rename = "Repeats")]
    repeats: u32,
    calls: u32,
    units: f64,
}

/// One event of a trigger and how it ended.
#[derive(Clone, Debug)]
pub struct TriggerLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Name of the function.
    pub trigger: &'static str,
    /// The tenant of the user who signs in, if the event said so.
    pub tenant: Option<&'a TenantId>,
    /// The user who signs in, if the event said so.
    pub user: Option<&'a UserId>,
    /// The outcome.
    pub outcome: &'static str,
    /// Why nothing was added.
    pub reason: Option<&'static str>,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// Its cost at DynamoDB.
    pub measure: Measure,
}

impl Record for TriggerLine<'_> {
    const MESSAGE: &'static str = "trigger";
    const COUNTED: [Counted; 2] = [
        (
            &[&["trigger"]],
            &[
                Metric::count("Events"),
                Metric::milliseconds("Duration"),
                Metric::count("RoundTrips"),
            ],
        ),
        (&[&["trigger", "outcome"]], &[Metric::count("Events")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.outcome == "skipped" {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn is_ignored(&self) -> bool {
        self.outcome == "ignored"
    }

    fn fields(&self) -> impl Serialize {
        TriggerFields {
            request_id: self.request_id,
            tenant: self.tenant.map(TenantId::as_str),
            user: self.user.map(person),
            trigger: self.trigger,
            outcome: self.outcome,
            reason: self.reason,
            events: 1,
            duration: milliseconds(self.duration),
            round_trips: self.measure.round_trips,
            calls: self.measure.calls,
            units: self.measure.units,
        }
    }
}

/// One event of a trigger.
#[derive(Serialize)]
struct TriggerFields<'a> {
    request_id: &'a str,
    tenant: Option<&'a str>,
    user: Option<String>,
    trigger: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(rename = "Events")]
    events: u32,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "RoundTrips")]
    round_trips: u32,
    calls: u32,
    units: f64,
}
