//! The directory is read over real HTTP, from the local Entra directory with faults.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aws;
mod faults;
mod graph;
mod reading;
mod tokens;
