//! JSON values with their exact numbers, and objects that are read field by field with all violations reported at once.

mod fields;
mod read;
mod value;
mod violation;

pub(crate) use fields::object;
pub use fields::{Fields, text};
pub use read::{Field, FromFields, FromJson};
pub use value::{Json, JsonNumber, JsonObject};
pub use violation::{Violation, Violations, pointer_to};
