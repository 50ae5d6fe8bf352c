//! Organizations: creating, changing, deleting and restoring them.

mod deleted;
pub(crate) mod lifecycle;
