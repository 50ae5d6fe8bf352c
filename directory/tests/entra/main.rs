//! The directory is read over real HTTP, from a Graph of ours that misbehaves on demand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test says what is wrong by panicking

mod faults;
mod graph;
mod reading;
mod tokens;
