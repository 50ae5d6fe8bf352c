//! The results of a run, as stored in `bench/peers/results.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::load::Ran;
use crate::races::Races;

/// All results.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Results {
    /// The day, in UTC.
    pub(crate) date: String,
    /// The environment: a name and a text each.
    pub(crate) machine: Vec<(String, String)>,
    /// Rounds of each load.
    pub(crate) rounds: usize,
    /// Requests per load.
    pub(crate) requests: usize,
    /// Concurrent clients.
    pub(crate) clients: Vec<usize>,
    /// By service name.
    pub(crate) peers: BTreeMap<String, Service>,
}

/// One service.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Service {
    /// Milliseconds from the start of the process to the first response, for each start.
    pub(crate) starts: Vec<f64>,
    /// Megabytes of its processes after filling, and the maximum after any load. Shared pages are
    /// counted once.
    pub(crate) memory: (f64, f64),
    /// By operation, then by concurrent clients: each round.
    pub(crate) loads: BTreeMap<String, BTreeMap<usize, Vec<Ran>>>,
    /// By kind.
    pub(crate) races: BTreeMap<String, Races>,
}
