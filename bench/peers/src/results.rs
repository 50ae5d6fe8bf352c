//! What a run came to, as it is kept in `bench/peers/results.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::load::Ran;
use crate::races::Races;

/// All of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Results {
    /// The day, in UTC.
    pub(crate) date: String,
    /// Where it ran, and with what: a name and a text each.
    pub(crate) machine: Vec<(String, String)>,
    /// How often each load was run.
    pub(crate) rounds: usize,
    /// Requests of a load.
    pub(crate) requests: usize,
    /// Clients at once.
    pub(crate) clients: Vec<usize>,
    /// By the services' names.
    pub(crate) peers: BTreeMap<String, Service>,
}

/// One service.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Service {
    /// Milliseconds from the start of the process to the first answer, of each start.
    pub(crate) starts: Vec<f64>,
    /// Megabytes of its processes when it was filled, and at most, looked at after each load. What
    /// processes share is counted once.
    pub(crate) memory: (f64, f64),
    /// By operation, then by clients at once: each round.
    pub(crate) loads: BTreeMap<String, BTreeMap<usize, Vec<Ran>>>,
    /// By kind.
    pub(crate) races: BTreeMap<String, Races>,
}
