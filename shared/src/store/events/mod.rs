//! Events: their rows, and how they get into the transactions of changes.

mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::domain::{Event, EventId, PersonalDetails};
use crate::store::table::{self, Item, from_item};

pub use read::{EventFilter, EventOrder, SETTLE_TIME};

/// The attributes of the item that are read. The others serve filters.
#[derive(Serialize, Deserialize)]
struct Row {
    /// The event as JSON, without personal details.
    record: String,
    /// The personal details as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    personal: Option<String>,
}

fn from_row(item: Item) -> Result<Event, table::Error> {
    let row: Row = from_item(item)?;
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

/// Number of partitions that the events of a tenant are spread over.
pub(super) const PARTITIONS: u8 = 16;

/// Returns the partition of an event, by the last digit of its id.
pub(super) fn partition_of(id: EventId) -> u8 {
    id.last_digit() % PARTITIONS
}
