//! The part of a line that `CloudWatch` makes metrics of: its embedded metric format.

use serde::Serialize;

use crate::domain::Timestamp;

/// Sets of dimensions, and the metrics counted under each. An empty set counts all together. CloudWatch
/// bills each combination of a metric with values of its dimensions, so only one count has fine dimensions.
pub type Counted = (&'static [&'static [&'static str]], &'static [Metric]);

/// `_aws` in a line.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metrics<'a> {
    /// Milliseconds.
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

/// The name of a field of the line, and the unit of its number.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    name: &'static str,
    unit: Unit,
}

#[derive(Serialize)]
enum Unit {
    Count,
    Milliseconds,
}

impl<'a> Metrics<'a> {
    /// All metrics of a line, in this namespace.
    pub(super) fn new(now: Timestamp, namespace: &'a str, counted: [Counted; 2]) -> Self {
        Self::of(now, namespace, counted.into_iter())
    }

    /// The same without the first set, for an event that asks for nothing: alarms do not count it.
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
    /// A count.
    pub const fn count(name: &'static str) -> Self {
        let unit = Unit::Count;
        Self { name, unit }
    }

    /// A duration in milliseconds.
    pub const fn milliseconds(name: &'static str) -> Self {
        let unit = Unit::Milliseconds;
        Self { name, unit }
    }
}
