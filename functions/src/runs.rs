//! The log lines of functions that work on a batch of a queue or a stream, or run by a timer: one for each run, with
//! the results of its parts.

use std::time::Duration;

use muster::domain::Timestamp;
use muster::store::Measure;
use muster::telemetry::{Counted, Level, Metric, Record, milliseconds};
use serde::Serialize;

/// The numbers of a run. Declared with `run_counts!`.
pub trait RunCounts: Serialize {
    /// Name of the function.
    const TRIGGER: &'static str;
    /// Message of the line.
    const MESSAGE: &'static str;
    /// The numbers that are metrics.
    const METRICS: &'static [Metric];

    /// Returns whether something failed permanently, so that the line is a warning.
    fn is_warning(&self) -> bool;
}

/// One run and how it ended.
#[derive(Clone, Debug)]
pub struct RunLine<'a, T> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// The results of its parts.
    pub counts: T,
    /// From the event's arrival to the answer.
    pub duration: Duration,
    /// Its cost at DynamoDB, where that is measured.
    pub measure: Option<Measure>,
}

impl<T: RunCounts> Record for RunLine<'_, T> {
    const MESSAGE: &'static str = T::MESSAGE;
    const COUNTED: [Counted; 2] = [
        (&[&[]], T::METRICS),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.counts.is_warning() {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        RunFields {
            request_id: self.request_id,
            trigger: T::TRIGGER,
            counts: &self.counts,
            duration: milliseconds(self.duration),
            cost: self.measure.as_ref().map(|measure| Cost {
                round_trips: measure.round_trips,
                calls: measure.calls,
                units: measure.units,
            }),
        }
    }
}

#[derive(Serialize)]
struct RunFields<'a, T> {
    request_id: &'a str,
    trigger: &'static str,
    #[serde(flatten)]
    counts: &'a T,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(flatten)]
    cost: Option<Cost>,
}

#[derive(Serialize)]
struct Cost {
    #[serde(rename = "RoundTrips")]
    round_trips: u32,
    calls: u32,
    units: f64,
}

/// Declares the numbers of the runs of a function: its name, the message of its log line, and the numbers that make the
/// line a warning when they are not 0; then each number with its metric, if it has one.
macro_rules! run_counts {
    (
        $(#[$doc:meta])*
        $name:ident of $trigger:literal, $message:literal, warns of $($bad:ident)|+;
        $($(#[$about:meta])* $field:ident $(=> $metric:literal)?,)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, serde::Serialize)]
        pub struct $name {
            $($(#[$about])* $(#[serde(rename = $metric)])? pub $field: usize,)*
        }

        impl $crate::runs::RunCounts for $name {
            const TRIGGER: &'static str = $trigger;
            const MESSAGE: &'static str = $message;
            const METRICS: &'static [muster::telemetry::Metric] =
                &[$($(muster::telemetry::Metric::count($metric),)?)*];

            fn is_warning(&self) -> bool {
                [$(self.$bad),+].iter().any(|number| *number > 0)
            }
        }
    };
}
pub(crate) use run_counts;
