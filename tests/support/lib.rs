//! Shared by the stories: a stack for each, users who act in it, captured calls to DynamoDB, and
//! fault injection.

// Only for tests: an impossible step ends the test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "only tests use it"
)]

use std::path::{Path, PathBuf};

mod actor;
pub mod audit;
mod calls;
mod charges;
mod concurrent;
mod contract;
mod directory_numbers;
mod document;
mod endpoint;
mod faults;
pub mod graph;
pub mod history;
pub mod invariants;
mod invitations;
mod lines;
pub mod member_counts;
pub mod npm;
mod problem;
mod raw;
mod receiver;
mod reply;
mod schedule;
mod seed;
mod skipped;
mod table_response;
mod time_limits;
mod tool;
mod world;

pub use actor::Actor;
pub use calls::{Calls, of_other_tenants, texts};
pub use charges::{Charges, Units};
pub use concurrent::{at_once, statuses};
pub use contract::filled;
pub use faults::{Fault, Faults, Held};
pub use lines::Lines;
pub use receiver::{Received, Receiver};
pub use reply::Reply;
pub use schedule::{HeldCall, Schedule};
pub use seed::context;
pub use skipped::{in_ci, skipped};
pub use time_limits::without_time_limits;
pub use tool::{has_curl, system_tool, tool};
pub use world::{ACME, World};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
