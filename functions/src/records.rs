//! The log lines of the functions: one for each request, one for each event of a trigger, and one for each batch of
//! events to publish.

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
    /// Who asked, if that was told.
    pub caller: Option<&'a Caller>,
    /// The HTTP status.
    pub status: u16,
    /// The code of the error; `ok` without one.
    pub code: &'static str,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
}

impl Record for RequestLine<'_> {
    const MESSAGE: &'static str = "request";
    const COUNTED: [Counted; 2] = [
        (
            &[&[], &["route"]],
            &[
                Metric::count("Requests"),
                Metric::count("Failures"),
                Metric::milliseconds("Duration"),
                Metric::count("RoundTrips"),
                Metric::count("Repeats"),
            ],
        ),
        (
            &[&["code"], &["route", "code"]],
            &[Metric::count("Requests")],
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
    /// What it cost at DynamoDB.
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

/// One batch of the table's stream and how it ended.
#[derive(Clone, Debug)]
pub struct PublishLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Events in the batch.
    pub records: usize,
    /// Events that the bus has.
    pub published: usize,
    /// Events that can never be published and are on the queue of failures.
    pub set_aside: usize,
    /// Events that will be sent again.
    pub failed: usize,
    /// How many events were sent more than once in this invocation.
    pub retries: u32,
    /// From the batch's arrival to the answer.
    pub duration: Duration,
}

impl Record for PublishLine<'_> {
    const MESSAGE: &'static str = "publish events";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("EventsPublished"),
                Metric::count("EventsSetAside"),
                Metric::count("EventsFailed"),
                Metric::count("EventRetries"),
            ],
        ),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.set_aside + self.failed > 0 {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        PublishFields {
            request_id: self.request_id,
            trigger: "publish-events",
            records: self.records,
            published: self.published,
            set_aside: self.set_aside,
            failed: self.failed,
            retries: self.retries,
            duration: milliseconds(self.duration),
        }
    }
}

/// One batch of the table's stream.
#[derive(Serialize)]
struct PublishFields<'a> {
    request_id: &'a str,
    trigger: &'static str,
    records: usize,
    #[serde(rename = "EventsPublished")]
    published: usize,
    #[serde(rename = "EventsSetAside")]
    set_aside: usize,
    #[serde(rename = "EventsFailed")]
    failed: usize,
    #[serde(rename = "EventRetries")]
    retries: u32,
    #[serde(rename = "Duration")]
    duration: f64,
}

/// One batch of events whose members were counted, and how it ended.
#[derive(Clone, Debug)]
pub struct CountLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Events in the batch.
    pub records: usize,
    /// Events that cannot be read, and are not counted.
    pub unreadable: usize,
    /// Events that will be sent again.
    pub failed: usize,
    /// From the batch's arrival to the answer.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
}

impl Record for CountLine<'_> {
    const MESSAGE: &'static str = "count members";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("EventsNotCounted"),
                Metric::count("CountsFailed"),
            ],
        ),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.unreadable + self.failed > 0 {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        CountFields {
            request_id: self.request_id,
            trigger: "track-members",
            records: self.records,
            unreadable: self.unreadable,
            failed: self.failed,
            duration: milliseconds(self.duration),
            round_trips: self.measure.round_trips,
            calls: self.measure.calls,
            units: self.measure.units,
        }
    }
}

/// One batch of events whose members were counted.
#[derive(Serialize)]
struct CountFields<'a> {
    request_id: &'a str,
    trigger: &'static str,
    records: usize,
    #[serde(rename = "EventsNotCounted")]
    unreadable: usize,
    #[serde(rename = "CountsFailed")]
    failed: usize,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "RoundTrips")]
    round_trips: u32,
    calls: u32,
    units: f64,
}

/// One run of the weekly checks of domains, and how it ended.
#[derive(Clone, Debug)]
pub struct RecheckLine<'a> {
    /// When it ended.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Domains whose record was looked up.
    pub checked: usize,
    /// Domains that are no longer verified.
    pub ended: usize,
    /// Domains whose look-up failed. They stay due.
    pub failed: usize,
    /// From the start of the run to its end.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
}

impl Record for RecheckLine<'_> {
    const MESSAGE: &'static str = "recheck domains";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("DomainsChecked"),
                Metric::count("DomainsEnded"),
                Metric::count("DomainChecksFailed"),
            ],
        ),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.failed > 0 {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        RecheckFields {
            request_id: self.request_id,
            trigger: "recheck-domains",
            checked: self.checked,
            ended: self.ended,
            failed: self.failed,
            duration: milliseconds(self.duration),
            round_trips: self.measure.round_trips,
            calls: self.measure.calls,
            units: self.measure.units,
        }
    }
}

/// One run of the weekly checks of domains.
#[derive(Serialize)]
struct RecheckFields<'a> {
    request_id: &'a str,
    trigger: &'static str,
    #[serde(rename = "DomainsChecked")]
    checked: usize,
    #[serde(rename = "DomainsEnded")]
    ended: usize,
    #[serde(rename = "DomainChecksFailed")]
    failed: usize,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "RoundTrips")]
    round_trips: u32,
    calls: u32,
    units: f64,
}

/// One batch of webhooks and how it ended.
#[derive(Clone, Debug)]
pub struct DeliverLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Messages in the batch.
    pub messages: usize,
    /// Messages that their endpoints have.
    pub delivered: usize,
    /// Messages whose attempt failed, to be sent again.
    pub retried: usize,
    /// Messages without another attempt.
    pub given_up: usize,
    /// Messages that are not due yet, or whose endpoint is held back.
    pub deferred: usize,
    /// Messages whose endpoint is deleted or disabled.
    pub dropped: usize,
    /// Messages that could not be dealt with.
    pub failed: usize,
    /// From the batch's arrival to the answer.
    pub duration: Duration,
}

impl Record for DeliverLine<'_> {
    const MESSAGE: &'static str = "deliver webhooks";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("WebhooksDelivered"),
                Metric::count("WebhooksRetried"),
                Metric::count("WebhooksGivenUp"),
                Metric::count("WebhooksDeferred"),
                Metric::count("WebhooksDropped"),
                Metric::count("WebhooksFailed"),
            ],
        ),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.given_up + self.failed > 0 {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        DeliverFields {
            request_id: self.request_id,
            trigger: "deliver-webhook",
            messages: self.messages,
            delivered: self.delivered,
            retried: self.retried,
            given_up: self.given_up,
            deferred: self.deferred,
            dropped: self.dropped,
            failed: self.failed,
            duration: milliseconds(self.duration),
        }
    }
}

#[derive(Serialize)]
struct DeliverFields<'a> {
    request_id: &'a str,
    trigger: &'static str,
    messages: usize,
    #[serde(rename = "WebhooksDelivered")]
    delivered: usize,
    #[serde(rename = "WebhooksRetried")]
    retried: usize,
    #[serde(rename = "WebhooksGivenUp")]
    given_up: usize,
    #[serde(rename = "WebhooksDeferred")]
    deferred: usize,
    #[serde(rename = "WebhooksDropped")]
    dropped: usize,
    #[serde(rename = "WebhooksFailed")]
    failed: usize,
    #[serde(rename = "Duration")]
    duration: f64,
}
