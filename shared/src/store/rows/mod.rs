//! The items of the table that several operations read or write, one file per kind of item: its attributes, how it is
//! read and written, and the conditions on it. The layer below the operations: no file here reads or writes the table.
//!
//! Items that only the operations of one folder know are declared there: domains, directories, events, webhook endpoints,
//! SCIM.

pub(super) mod invitations;
pub(super) mod known_user;
pub(super) mod members;
pub(super) mod names;
pub(super) mod organizations;
pub(super) mod team_members;
pub(super) mod teams;
pub(super) mod users;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::table;

/// A value that has a stored form, as an item or in the record of an `Idempotency-Key`.
pub(in crate::store) trait Recorded: Sized {
    /// The stored form of the value.
    type Row: Serialize + DeserializeOwned;

    /// Writes the value as a row.
    fn to_recorded(&self) -> Self::Row;

    /// Reads the value from a row.
    fn from_recorded(row: Self::Row) -> Result<Self, table::Error>;
}
