//! The part of a log line from which `CloudWatch` creates metrics: the embedded metric format.

use serde::Serialize;

use crate::domain::Timestamp;

/// Sets of dimensions, and the metrics counted under each. An empty set counts all values together. CloudWatch bills
/// each combination of a metric with values of its dimensions, so only one count has fine-grained dimensions.
pub type Counted = (&'static [&'static [&'static str]], &'static [Metric]);

/// The `_aws` object of a line.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metrics<'a> {
    /// In milliseconds.
    timestamp: i64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: &'static [&'static [&'static str]],
    metrics: &'static [Metric],
}

/// The name of a field of the line, and the unit of its value. A count has none: it would be in every line, and nothing
/// reads it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
}

#[derive(Serialize)]
enum Unit {
    Milliseconds,
}

impl<'a> Metrics<'a> {
    /// Returns all metrics of a line, in this namespace.
    pub(super) fn new(now: Timestamp, namespace: &'a str, counted: [Counted; 2]) -> Self {
        Self::of(now, namespace, counted.into_iter())
    }

    /// Returns the metrics without the first set, for an event that requires nothing. Alarms do not count such events.
    pub(super) fn apart(now: Timestamp, namespace: &'a str, counted: [Counted; 2]) -> Self {
        Self::of(now, namespace, counted.into_iter().skip(1))
    }

    fn of(now: Timestamp, namespace: &'a str, counted: impl Iterator<Item = Counted>) -> Self {
        let directives = counted.map(|(dimensions, metrics)| Directive {
            namespace,
            dimensions,
            metrics,
        });
        Self {
            timestamp: now.as_millisecond(),
            directives: directives.collect(),
        }
    }
}

impl Metric {
    /// Creates a count.
    pub const fn count(name: &'static str) -> Self {
        let unit = None;
        Self { name, unit }
    }

    /// Creates a duration in milliseconds.
    pub const fn milliseconds(name: &'static str) -> Self {
        let unit = Some(Unit::Milliseconds);
        Self { name, unit }
    }
}
