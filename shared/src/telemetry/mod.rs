//! Logs for operators: one JSON line for each request, which CloudWatch also reads as metrics (embedded metric
//! format), and one for each internal failure with its whole chain of causes.
//!
//! Lines contain identifiers and numbers only: no tokens, no email addresses, no bodies.

mod metrics;

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use metrics::Metrics;
pub use metrics::{Counted, Metric};

use crate::config::DEFAULT_METRICS_NAMESPACE;
use crate::domain::{Timestamp, UserId};

/// Longer than most lines.
const LINE_BYTES: usize = 1024;

/// The destination of log lines, and the namespace of their metrics.
#[derive(Clone)]
pub struct Telemetry {
    write: Arc<dyn Fn(&str) + Send + Sync>,
    namespace: Arc<str>,
}

/// The content of a log line. The line has `_aws` (its metrics), `level`, `message` and `time`, followed by the
/// fields of the record. A field that starts with a capital letter is a metric. Durations are in milliseconds.
pub trait Record {
    /// The kind of line.
    const MESSAGE: &'static str;
    /// The metrics that CloudWatch counts. Ignored events are left out of the first set.
    const COUNTED: [Counted; 2];

    /// Returns the time at which it ended.
    fn time(&self) -> Timestamp;

    /// Returns the level. Defaults to `INFO`.
    fn level(&self) -> Level {
        Level::Info
    }

    /// Returns whether the event required nothing, so that alarms do not count it.
    fn is_ignored(&self) -> bool {
        false
    }

    /// Returns the fields of the line.
    fn fields(&self) -> impl Serialize;
}

/// The severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// No action is required.
    Info,
    /// Something was not done.
    Warn,
    /// Something failed.
    Error,
}

/// A record in the form in which it is written.
#[derive(Serialize)]
struct Line<'a, F> {
    #[serde(rename = "_aws")]
    metrics: Metrics<'a>,
    level: Level,
    message: &'static str,
    time: Timestamp,
    #[serde(flatten)]
    fields: F,
}

/// One failure, with all its causes.
#[derive(Serialize)]
struct FailureLine<'a> {
    level: Level,
    message: &'static str,
    time: Timestamp,
    request_id: &'a str,
    code: &'a str,
    error: String,
}

impl Telemetry {
    /// Writes lines to standard output, from which Lambda reads them.
    pub fn stdout() -> Self {
        Self::to(|line| {
            // Writes the line in one piece, so that no other line interrupts it. A closed standard output cannot be
            // reported.
            let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
        })
    }

    /// Passes each line, a JSON object, to the function.
    pub fn to(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            write: Arc::new(write),
            namespace: DEFAULT_METRICS_NAMESPACE.into(),
        }
    }

    /// Uses another namespace for the metrics, for example one for each deployment.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        Self {
            namespace: namespace.into(),
            ..self
        }
    }

    fn write_line(&self, record: &impl Serialize) {
        let mut line = Vec::with_capacity(LINE_BYTES);
        // A record consists of strings and numbers, all of which serialize to UTF-8.
        if serde_json::to_writer(&mut line, record).is_ok()
            && let Ok(line) = std::str::from_utf8(&line)
        {
            (self.write)(line);
        }
    }

    /// Writes the line of a record, including its metrics.
    pub fn write<R: Record>(&self, record: &R) {
        let metrics = if record.is_ignored() {
            Metrics::apart(record.time(), &self.namespace, R::COUNTED)
        } else {
            Metrics::new(record.time(), &self.namespace, R::COUNTED)
        };
        self.write_line(&Line {
            metrics,
            level: record.level(),
            message: R::MESSAGE,
            time: record.time(),
            fields: record.fields(),
        });
    }

    /// Writes the line of a failure with all its causes. Call it once for each failure.
    pub fn failure(&self, now: Timestamp, request_id: &str, code: &str, error: &dyn Error) {
        self.write_line(&FailureLine {
            level: Level::Error,
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

/// Returns a duration in milliseconds, rounded to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Returns a user id for the log. An id that may be an email address or a name is replaced with its digest, which
/// still finds the lines of that user.
pub fn person(id: &UserId) -> String {
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

/// Returns the text of an error and its causes, outermost first.
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
    fn a_user_id_that_may_be_an_email_is_logged_as_a_digest() {
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
