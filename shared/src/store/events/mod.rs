//! Events: their rows, and how they get into the transactions of changes.

mod read;
mod write;

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::domain::{Event, EventId, PersonalDetails, UserId};
use crate::store::table::{self, Item, from_item};

pub use read::{EventFilter, EventOrder, SETTLE_TIME};

/// The attributes of the item that are read. The others serve filters.
#[derive(Serialize, Deserialize)]
struct EventRow {
    /// The event as JSON, without personal details.
    record: String,
    /// The personal details as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    personal: Option<String>,
}

fn from_row(item: impl Borrow<Item>) -> Result<Event, table::Error> {
    let row: EventRow = from_item(item)?;
    event_of(&row.record, row.personal.as_deref()).map_err(table::Error::unreadable)
}

/// Returns the event in the attributes `record` and `personal` of an item.
pub fn event_of(record: &str, personal: Option<&str>) -> Result<Event, serde_json::Error> {
    let mut event: Event = serde_json::from_str(record)?;
    if let Some(personal) = personal {
        let personal: PersonalDetails = serde_json::from_str(personal)?;
        personal.put_into(&mut event);
    }
    Ok(event)
}

/// Returns the personal details of an event, as JSON, without those of a user; `None` if it has none of them. The inner
/// `None` means that nothing is left.
#[expect(clippy::option_option, reason = "whether it changes, and what is left")]
pub(super) fn without_user(
    personal: &str,
    user: &UserId,
    is_actor: bool,
) -> Result<Option<Option<String>>, table::Error> {
    let before: PersonalDetails =
        serde_json::from_str(personal).map_err(table::Error::unreadable)?;
    let mut after = before.clone();
    after.names.remove(user.as_str());
    if is_actor {
        after = PersonalDetails {
            names: after.names,
            ..PersonalDetails::default()
        };
    }
    if after == before {
        return Ok(None);
    }
    let is_empty = after == PersonalDetails::default();
    let left = (!is_empty).then(|| serde_json::to_string(&after));
    Ok(Some(left.transpose().map_err(table::Error::defect)?))
}

/// Number of partitions that the events of a tenant are spread over.
pub(super) const PARTITIONS: u8 = 16;

/// Returns the partition of an event, by the last digit of its id.
pub(super) fn partition_of(id: EventId) -> u8 {
    id.last_digit() % PARTITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_of_an_event_is_its_partition() {
        for (digit, partition) in [("0", 0), ("1", 1), ("9", 9), ("f", 15)] {
            let id = format!("01a2b3c4-d5e6-7a08-9b0c-1d2e3f40516{digit}");
            assert_eq!(partition_of(id.parse().unwrap()), partition);
        }
    }

    #[expect(clippy::option_option, reason = "whether it changes, and what is left")]
    fn left(personal: &PersonalDetails, is_actor: bool) -> Option<Option<PersonalDetails>> {
        let personal = serde_json::to_string(personal).unwrap();
        let ada = UserId::parse("ada").unwrap();
        let left = without_user(&personal, &ada, is_actor).unwrap();
        left.map(|left| left.map(|left| serde_json::from_str(&left).unwrap()))
    }

    fn details(actor: Option<&str>, names: &[(&str, &str)]) -> PersonalDetails {
        let names = names.iter();
        PersonalDetails {
            actor_name: actor.map(str::to_owned),
            names: names
                .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
                .collect(),
            source_ip: actor.map(|_| "192.0.2.1".to_owned()),
            user_agent: actor.map(|_| "curl".to_owned()),
        }
    }

    #[test]
    fn the_details_of_others_are_left() {
        let both = [("ada", "Ada"), ("bob", "Bob")];
        let bob = [("bob", "Bob")];
        assert_eq!(left(&details(None, &bob), false), None);
        assert_eq!(left(&details(Some("Cy"), &bob), false), None);
        let of_cy = details(Some("Cy"), &bob);
        assert_eq!(left(&details(Some("Cy"), &both), false), Some(Some(of_cy)));
        let of_bob = details(None, &bob);
        assert_eq!(left(&details(Some("Ada"), &both), true), Some(Some(of_bob)));
    }

    #[test]
    fn details_without_another_user_are_removed() {
        let ada = [("ada", "Ada")];
        assert_eq!(left(&details(None, &ada), false), Some(None));
        assert_eq!(left(&details(Some("Ada"), &[]), true), Some(None));
    }
}
