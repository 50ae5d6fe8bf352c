//! The directory is read over real HTTP, from a Graph of ours that misbehaves on demand.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faults;
mod graph;
mod reading;
mod tokens;
