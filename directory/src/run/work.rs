//! The context of a run, and its limits.

use std::sync::Mutex;

use tokio::time::Instant;

use super::Failure;
use crate::entra::directory::EntraReader;
use muster::domain::{Clock, Directory};
use muster::store::{ConfirmedRun, RunLease, Store};

/// Users who are handled at the same time.
pub(super) const AT_ONCE: usize = 8;
/// Users after whom the progress is saved.
pub(super) const PAGE: usize = 100;
/// Users who could not be read and are remembered by name.
pub(super) const MAX_AGAIN: usize = 1_000;

/// A run under way, and what it works with.
pub(super) struct Work<'a> {
    pub(super) store: &'a Store,
    pub(super) directory: &'a Directory,
    pub(super) reader: EntraReader,
    pub(super) lease: &'a RunLease,
    pub(super) clock: &'a Clock,
    pub(super) confirmed: Option<&'a ConfirmedRun>,
    pub(super) deadline: Instant,
    pub(super) failures: Mutex<Vec<Failure>>,
}
