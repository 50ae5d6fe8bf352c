//! What an operator sees: one JSON line for each request, which CloudWatch also reads as metrics
//! (embedded metric format), and one for each failure of ours with its whole chain of causes.
//!
//! Identifiers and figures only: no token, no email address, no body.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::{Caller, TenantId, Timestamp, UserId};
use crate::entra::{Outcome, Report};
use crate::store::{Measure, Profile};

/// The CloudWatch namespace of all metrics, when no other is set.
pub const NAMESPACE: &str = "Muster";

/// Where log lines go, and the namespace of their metrics.
#[derive(Clone)]
pub struct Telemetry {
    write: Arc<dyn Fn(&Value) + Send + Sync>,
    namespace: Arc<str>,
}

const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";

/// Metrics that are counted under the same dimensions. No dimensions: all together.
struct Directive<'a> {
    dimensions: &'a [&'a [&'a str]],
    metrics: &'a [(&'a str, &'a str)],
}

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

/// One login sync and how it ended.
#[derive(Clone, Debug)]
pub struct SyncLine<'a> {
    /// When it ended.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Who signed in, if the event said so.
    pub profile: Option<&'a Profile>,
    /// What came of it.
    pub report: &'a Report,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
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
    /// What came of it.
    pub outcome: &'static str,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
}

impl Telemetry {
    /// Lines to standard output, where Lambda takes them from.
    pub fn stdout() -> Self {
        Self::to(|line| {
            // Nobody is left to tell when standard output is gone.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        })
    }

    /// Lines to wherever the function puts them.
    pub fn to(write: impl Fn(&Value) + Send + Sync + 'static) -> Self {
        Self {
            write: Arc::new(write),
            namespace: NAMESPACE.into(),
        }
    }

    /// The same, with its metrics in another namespace: that of one deployment among several.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        Self {
            namespace: namespace.into(),
            ..self
        }
    }

    /// The part of a line that CloudWatch makes metrics of. Each combination of a metric with values of
    /// its dimensions is one to pay for, so what is counted finely is one count, and the rest is kept
    /// coarse.
    fn about(&self, now: Timestamp, directives: &[Directive<'_>]) -> Value {
        let directives: Vec<_> = directives
            .iter()
            .map(|directive| {
                let metrics = directive.metrics.iter();
                let metrics = metrics.map(|(name, unit)| json!({"Name": name, "Unit": unit}));
                json!({
                    "Namespace": &*self.namespace,
                    "Dimensions": directive.dimensions,
                    "Metrics": metrics.collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives})
    }

    /// Writes the line of a request.
    pub fn request(&self, line: &RequestLine<'_>) {
        let failed = u8::from(line.status >= 500);
        let all = Directive {
            dimensions: &[&[], &["route"]],
            metrics: &[
                ("Requests", COUNT),
                ("Failures", COUNT),
                ("Duration", MILLISECONDS),
                ("RoundTrips", COUNT),
                ("Repeats", COUNT),
            ],
        };
        let by_code = Directive {
            dimensions: &[&["code"], &["route", "code"]],
            metrics: &[("Requests", COUNT)],
        };
        (self.write)(&json!({
            "_aws": self.about(line.now, &[all, by_code]),
            "level": "INFO",
            "message": "request",
            "time": line.now,
            "request_id": line.request_id,
            "tenant": line.caller.map(|caller| caller.tenant_id.as_str()),
            "caller": line.caller.map(|caller| person(&caller.user_id)),
            "route": line.route,
            "status": line.status,
            "code": line.code,
            "Requests": 1,
            "Failures": failed,
            "Duration": milliseconds(line.duration),
            "RoundTrips": line.measure.round_trips,
            "Repeats": line.measure.repeats,
            "calls": line.measure.calls,
            "units": line.measure.units,
        }));
    }

    /// Writes the line of a login sync, and one for each failure that its report tells of.
    pub fn sync(&self, line: &SyncLine<'_>) {
        let Report {
            outcome,
            reason,
            counts,
            reading,
            failures,
        } = line.report;
        for failure in failures {
            self.failure(line.now, line.request_id, "login-sync", failure.as_ref());
        }
        let all = Directive {
            dimensions: &[&[]],
            metrics: &[
                ("Syncs", COUNT),
                ("SyncDuration", MILLISECONDS),
                ("DirectoryDuration", MILLISECONDS),
                ("GroupsRead", COUNT),
                ("OrganizationsMade", COUNT),
                ("TeamsMade", COUNT),
                ("MembershipsMade", COUNT),
                ("MembershipsKept", COUNT),
                ("MembershipsRemoved", COUNT),
                ("WritesFailed", COUNT),
            ],
        };
        let by_outcome = Directive {
            dimensions: &[&["outcome"]],
            metrics: &[("Syncs", COUNT)],
        };
        (self.write)(&json!({
            "_aws": self.about(line.now, &[all, by_outcome]),
            "level": match outcome {
                Outcome::Synced | Outcome::Unchanged => "INFO",
                Outcome::Skipped if *reason == Some("off") => "INFO",
                _ => "WARN",
            },
            "message": "login sync",
            "time": line.now,
            "request_id": line.request_id,
            "tenant": line.profile.map(|profile| profile.tenant_id.as_str()),
            "user": line.profile.map(|profile| person(&profile.user_id)),
            "outcome": outcome.as_str(),
            "reason": reason,
            "Syncs": 1,
            "SyncDuration": milliseconds(line.duration),
            "DirectoryDuration": milliseconds(*reading),
            "GroupsRead": counts.read.assigned,
            "groups_of_user": counts.read.of_user,
            "groups_held": counts.read.held,
            "groups_unusable": counts.read.unusable,
            "OrganizationsMade": counts.organizations_made,
            "TeamsMade": counts.teams_made,
            "MembershipsMade": counts.memberships_made,
            "MembershipsKept": counts.memberships_kept,
            "MembershipsRemoved": counts.memberships_removed,
            "renamed": counts.renamed,
            "WritesFailed": counts.failed,
            "round_trips": line.measure.round_trips,
            "calls": line.measure.calls,
            "units": line.measure.units,
        }));
    }

    /// Writes the line of a trigger's event.
    pub fn trigger(&self, line: &TriggerLine<'_>) {
        let all = Directive {
            dimensions: &[&["trigger"]],
            metrics: &[
                ("Events", COUNT),
                ("Duration", MILLISECONDS),
                ("RoundTrips", COUNT),
            ],
        };
        let by_outcome = Directive {
            dimensions: &[&["trigger", "outcome"]],
            metrics: &[("Events", COUNT)],
        };
        (self.write)(&json!({
            "_aws": self.about(line.now, &[all, by_outcome]),
            "level": "INFO",
            "message": "trigger",
            "time": line.now,
            "request_id": line.request_id,
            "tenant": line.tenant.map(TenantId::as_str),
            "user": line.user.map(person),
            "trigger": line.trigger,
            "outcome": line.outcome,
            "Events": 1,
            "Duration": milliseconds(line.duration),
            "RoundTrips": line.measure.round_trips,
            "calls": line.measure.calls,
            "units": line.measure.units,
        }));
    }

    /// Writes the line of a failure: once for each, with all its causes.
    pub fn failure(&self, now: Timestamp, request_id: &str, code: &str, error: &dyn Error) {
        (self.write)(&json!({
            "level": "ERROR",
            "message": "failure",
            "time": now,
            "request_id": request_id,
            "code": code,
            "error": chain(error),
        }));
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Telemetry")
    }
}

/// A while in milliseconds, to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A user id as it is logged: one that may be an email address by its digest, by which its lines can
/// still be found.
fn person(id: &UserId) -> String {
    if !id.as_str().contains('@') {
        return id.to_string();
    }
    let digest = Sha256::digest(id.as_str().as_bytes());
    let mut logged = "sha256:".to_owned();
    for byte in digest.iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(logged, "{byte:02x}");
    }
    logged
}

/// An error and its causes, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_that_may_be_an_email_address_is_not_logged_as_it_is() {
        assert_eq!(person(&UserId::parse("u-1").unwrap()), "u-1");
        let logged = person(&UserId::parse("ada@acme.example").unwrap());
        assert!(
            logged.starts_with("sha256:") && !logged.contains("ada"),
            "{logged}"
        );
    }
}
