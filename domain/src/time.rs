//! Points in time, and the clock.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Invalid;

/// A point in time in whole milliseconds, written as RFC 3339 in UTC with three decimals
/// (`2026-11-20T23:51:36.042Z`), so that times sort as text.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date-time", "pattern" = r"^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"))]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);
    /// The last point in time.
    pub const MAX: Self = Self(jiff::Timestamp::MAX);

    /// Returns the point in time this many milliseconds after 1970-01-01T00:00:00Z.
    pub fn from_millisecond(millisecond: i64) -> Result<Self, Invalid> {
        jiff::Timestamp::from_millisecond(millisecond)
            .map(Self)
            .map_err(|_| Invalid::new("is not a point in time between the years -9999 and 9999"))
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, the unit of DynamoDB's time to live.
    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    /// Returns this point in time plus a duration, or the maximum point in time if the result would exceed it.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait).unwrap_or(jiff::Timestamp::MAX))
    }

    /// Returns this point in time minus a duration, or the minimum point in time if the result would precede it.
    #[must_use]
    pub fn before(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(wait).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let time: jiff::Timestamp = text
            .parse()
            .map_err(|_| Invalid::new("is not an RFC 3339 time"))?;
        Self::from_millisecond(time.as_millisecond())
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> String {
        time.to_string()
    }
}

/// Returns the time, and creates ids that sort by it. It is passed to all code that needs either, so that tests can
/// fix both.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> (Timestamp, Uuid) + Send + Sync>);

impl Clock {
    /// Returns a clock with the system time and random `UUIDv7`s.
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the system clock"
    )]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let now = jiff::Timestamp::now();
            let time = Timestamp::from_millisecond(now.as_millisecond())
                .unwrap_or(Timestamp(jiff::Timestamp::UNIX_EPOCH));
            (time, Uuid::now_v7())
        }))
    }

    /// Returns a clock that calls the function.
    pub fn from_fn(tell: impl Fn() -> (Timestamp, Uuid) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        (self.0)().0
    }

    /// Returns a new, unique `UUIDv7`.
    pub fn new_id(&self) -> Uuid {
        (self.0)().1
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals_and_round_trip() {
        for (millisecond, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_218_696_042, "2026-11-20T23:51:36.042Z"),
        ] {
            let time = Timestamp::from_millisecond(millisecond).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
    }
}
