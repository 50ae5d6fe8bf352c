//! The part of a line that `CloudWatch` makes metrics of: its embedded metric format.

use serde::Serialize;

use crate::domain::Timestamp;

/// Sets of dimensions, and the metrics that are counted under each. An empty set: all together. Each
/// combination of a metric with values of its dimensions is one to pay for, so what is counted finely is one
/// count, and the rest is kept coarse.
pub(super) type Counted = (&'static [&'static [&'static str]], &'static [Metric]);

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

/// The name of a field of the line, and what its number is.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metric {
    name: &'static str,
    unit: Unit,
}

#[derive(Serialize)]
enum Unit {
    Count,
    Milliseconds,
}

impl<'a> Metrics<'a> {
    /// All that is counted of a line, in this namespace.
    pub(super) fn new(now: Timestamp, namespace: &'a str, counted: [Counted; 2]) -> Self {
        Self::of(now, namespace, counted.into_iter())
    }

    /// The same without the first set: what an event that asks for nothing is counted by, so that it has
    /// no part in the shares that alarms look at.
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

/// A metric that is a count.
pub(super) const fn count(name: &'static str) -> Metric {
    let unit = Unit::Count;
    Metric { name, unit }
}

/// A metric that is a duration.
pub(super) const fn milliseconds(name: &'static str) -> Metric {
    let unit = Unit::Milliseconds;
    Metric { name, unit }
}
