//! What an operator sees: one JSON line for each request, which CloudWatch also reads as metrics
//! (embedded metric format), and one for each failure of ours with its whole chain of causes.
//!
//! Identifiers and figures only: no token, no email address, no body.

mod metrics;
mod record;

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use metrics::Metrics;

use crate::domain::{Caller, TenantId, Timestamp, UserId};
use crate::entra::{Outcome, Report};
use crate::store::{Measure, Profile};

/// The CloudWatch namespace of all metrics, when no other is set.
pub const NAMESPACE: &str = "Muster";

/// Where log lines go, and the namespace of their metrics.
#[derive(Clone)]
pub struct Telemetry {
    write: Arc<dyn Fn(&str) + Send + Sync>,
    namespace: Arc<str>,
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
    /// Why nothing was added.
    pub reason: Option<&'static str>,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// What it cost at DynamoDB.
    pub measure: Measure,
}

impl Telemetry {
    /// Lines to standard output, where Lambda takes them from.
    pub fn stdout() -> Self {
        Self::to(|line| {
            // In one piece, so that no other line gets into it. Nobody is left to tell when standard
            // output is gone.
            let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
        })
    }

    /// Lines, each a JSON object, to wherever the function puts them.
    pub fn to(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
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

    fn write_line(&self, record: &impl Serialize) {
        // A record is made of texts and numbers, all of which serialize.
        if let Ok(line) = serde_json::to_string(record) {
            (self.write)(&line);
        }
    }

    /// Writes the line of a request.
    pub fn request(&self, line: &RequestLine<'_>) {
        self.write_line(&record::RequestRecord {
            metrics: Metrics::new(line.now, &self.namespace, record::RequestRecord::COUNTED),
            level: "INFO",
            message: "request",
            time: line.now,
            request_id: line.request_id,
            tenant: line.caller.map(|caller| caller.tenant_id.as_str()),
            caller: line.caller.map(|caller| person(&caller.user_id)),
            route: line.route,
            status: line.status,
            code: line.code,
            requests: 1,
            failures: u32::from(line.status >= 500),
            duration: milliseconds(line.duration),
            round_trips: line.measure.round_trips,
            repeats: line.measure.repeats,
            calls: line.measure.calls,
            units: line.measure.units,
        });
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
        self.write_line(&record::SyncRecord {
            metrics: if *outcome == Outcome::Ignored {
                Metrics::apart(line.now, &self.namespace, record::SyncRecord::COUNTED)
            } else {
                Metrics::new(line.now, &self.namespace, record::SyncRecord::COUNTED)
            },
            level: match outcome {
                Outcome::Synced | Outcome::Unchanged | Outcome::Ignored => "INFO",
                Outcome::Skipped if *reason == Some("off") => "INFO",
                _ => "WARN",
            },
            message: "login sync",
            time: line.now,
            request_id: line.request_id,
            tenant: line.profile.map(|profile| profile.tenant_id.as_str()),
            user: line.profile.map(|profile| person(&profile.user_id)),
            outcome: outcome.as_str(),
            reason: *reason,
            syncs: 1,
            duration: milliseconds(line.duration),
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
            round_trips: line.measure.round_trips,
            calls: line.measure.calls,
            units: line.measure.units,
        });
    }

    /// Writes the line of a trigger's event.
    pub fn trigger(&self, line: &TriggerLine<'_>) {
        self.write_line(&record::TriggerRecord {
            metrics: if line.outcome == "ignored" {
                Metrics::apart(line.now, &self.namespace, record::TriggerRecord::COUNTED)
            } else {
                Metrics::new(line.now, &self.namespace, record::TriggerRecord::COUNTED)
            },
            level: if line.outcome == "skipped" {
                "WARN"
            } else {
                "INFO"
            },
            message: "trigger",
            time: line.now,
            request_id: line.request_id,
            tenant: line.tenant.map(TenantId::as_str),
            user: line.user.map(person),
            trigger: line.trigger,
            outcome: line.outcome,
            reason: line.reason,
            events: 1,
            duration: milliseconds(line.duration),
            round_trips: line.measure.round_trips,
            calls: line.measure.calls,
            units: line.measure.units,
        });
    }

    /// Writes the line of a failure: once for each, with all its causes.
    pub fn failure(&self, now: Timestamp, request_id: &str, code: &str, error: &dyn Error) {
        self.write_line(&record::FailureRecord {
            level: "ERROR",
            message: "failure",
            time: now,
            request_id,
            code,
            error: chain(error),
        });
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

/// A user id as it is logged: one that may be an email address or a name by its digest, by which its lines can
/// still be found.
fn person(id: &UserId) -> String {
    let is_opaque = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+:|=/".contains(&byte);
    if id.as_str().bytes().all(is_opaque) {
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
        for id in ["ada@acme.example", "CN=ada,OU=x", r"CORP\ada", "ada l"] {
            let logged = person(&UserId::parse(id).unwrap());
            assert!(
                logged.starts_with("sha256:") && !logged.contains("ada"),
                "{logged}"
            );
        }
    }
}
