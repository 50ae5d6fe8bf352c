//! The store's transactions as a state machine, small enough to be searched to its end: every order in
//! which the writes of several users can meet.
//!
//! [`recipes`] has the transactions, action by action and condition by condition, each with the method
//! of `muster::store::Store` that it mirrors. [`decisions`] has what those methods read and decide
//! beforehand. [`search`] is the state machine over both, and what must be true in every state. What a
//! role grants is asked of the product itself ([`muster::domain::Role`]).
//!
//! What the model leaves out, because no condition rests on it: times, metadata, idempotency records.
//! Versions are not numbers here. A condition that something is as it was read is one that nobody wrote
//! it since, so that the states are finitely many and no number of requests bounds the search.

// Ids are indices into fixed arrays, made here and nowhere else.
#![allow(clippy::indexing_slicing)]

pub mod decisions;
pub mod recipes;
pub mod requests;
pub mod scopes;
pub mod search;
pub mod state;
mod symmetry;
pub mod table;
pub mod transaction;
