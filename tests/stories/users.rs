//! The users of a tenant.

mod disabled;
mod erased;
mod ids;
mod people;
