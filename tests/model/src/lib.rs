//! A state machine of the store's transactions, small enough for an exhaustive search of every
//! interleaving of several users' writes.
//!
//! [`recipes`] has the transactions, action by action and condition by condition, each with the
//! method of `muster::store::Store` that it mirrors. [`decisions`] has the reads and decisions
//! before them. [`search`] is the state machine over both, with the properties of every state. The
//! permissions of a role come from the product itself ([`muster::domain::Role`]).
//!
//! The model omits times, metadata and idempotency records, because no condition depends on them.
//! Versions are not numbers: a condition that an item is as read means that no write changed it
//! since. This makes the number of states finite without a limit on the number of requests.

// Ids are indices into fixed arrays, created only here.
#![expect(
    clippy::indexing_slicing,
    reason = "the indexes are of the small tables of a search"
)]

pub mod decisions;
pub mod recipes;
pub mod requests;
pub mod scope;
pub mod scopes;
pub mod search;
pub mod state;
mod symmetry;
pub mod table;
pub mod transaction;
