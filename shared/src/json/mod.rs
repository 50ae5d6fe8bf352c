//! Reads JSON objects field by field and reports all violations at once.

mod fields;
mod limits;
mod read;
mod violation;

pub use fields::{Fields, text};
pub use read::{Field, FromFields, FromJson};
pub(crate) use violation::pointer_to;
pub use violation::{Violation, Violations};
