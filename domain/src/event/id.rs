//! The ids of events.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::{Invalid, Timestamp};

/// The id of an event, a `UUIDv7`. Ids sort by the time of their events.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "uuid"))]
pub struct EventId(Uuid);

impl EventId {
    /// Returns the id of the event at this time, with the random bits of `random`. `position` counts the events of
    /// one transaction, whose ids are consecutive.
    pub fn new(at: Timestamp, random: Uuid, position: u8) -> Self {
        const RANDOM: u128 = (1 << 80) - 1;
        let time = u128::try_from(at.as_millisecond()).unwrap_or_default() << 80;
        let bits = time | (random.as_u128() & RANDOM);
        Self(Uuid::from_u128(bits.wrapping_add(u128::from(position))))
    }

    /// Returns the lowest id of an event at this time.
    pub fn first_at(at: Timestamp) -> Self {
        Self::new(at, Uuid::nil(), 0)
    }

    /// Returns the highest id of an event at this time.
    pub fn last_at(at: Timestamp) -> Self {
        Self::new(at, Uuid::max(), 0)
    }

    /// Returns the next higher id.
    #[must_use]
    pub fn next(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// Returns the next lower id.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_sub(1)))
    }

    /// Returns the time of the event.
    pub fn time(self) -> Option<Timestamp> {
        let time = i64::try_from(self.0.as_u128() >> 80).ok()?;
        Timestamp::from_millisecond(time).ok()
    }

    /// Returns its last hexadecimal digit, which is random.
    pub fn last_digit(self) -> u8 {
        let [.., last] = self.0.into_bytes();
        last & 0xf
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl FromStr for EventId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("must be the id of an event, a UUID in lower case");
        let id = Self(Uuid::try_parse(text).map_err(|_| invalid())?);
        (id.to_string() == text).then_some(id).ok_or_else(invalid)
    }
}

impl TryFrom<String> for EventId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn ids_sort_by_time_and_position() {
        let random = Uuid::from_u128(0x01a2_b3c4_d5e6_7a08_9b0c_1d2e_3f40_5162);
        let id = EventId::new(time(1_795_218_696_042), random, 0);
        assert_eq!(id.time(), Some(time(1_795_218_696_042)));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id < EventId::new(time(1_795_218_696_042), random, 1));
        assert!(EventId::first_at(time(1_795_218_696_042)) <= id);
        assert!(id < EventId::first_at(time(1_795_218_696_043)));
    }

    #[test]
    fn an_event_id_has_one_spelling() {
        let id = "01a2b3c4-d5e6-7a08-9b0c-1d2e3f405162";
        assert!(id.parse::<EventId>().is_ok());
        for other in ["", "x", &id.to_uppercase(), &id.replace('-', "")] {
            assert!(other.parse::<EventId>().is_err(), "{other}");
        }
    }
}
