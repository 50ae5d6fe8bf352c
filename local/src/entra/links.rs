//! The links of delta queries, and what they stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::answer::EntraRefusal;

/// Number of links that are kept. Older ones have expired.
const MAX_KEPT: usize = 10_000;

/// The type of object that a query follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    Groups,
    Users,
}

/// The parameters of a query. All its links have them.
#[derive(Clone, Debug)]
pub(super) struct DeltaQuery {
    pub(super) followed: Followed,
    pub(super) select: Option<String>,
    /// The ids that it is limited to.
    pub(super) ids: Option<BTreeSet<String>>,
}

/// The state of an object that a query compares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// All properties except the members.
    pub(super) properties: Map<String, Value>,
    /// The members by id, with their type.
    pub(super) members: BTreeMap<String, &'static str>,
}

pub(super) type States = BTreeMap<String, State>;

/// The state that a link stands for.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// The pages that follow, and the number of the link at their end.
    Pages(Arc<Vec<Vec<Value>>>, u64),
    /// The query, and the states that the changes are compared with.
    Since(DeltaQuery, Arc<States>),
}

/// The links that were given out.
#[derive(Debug, Default)]
pub(super) struct Links(Mutex<(u64, BTreeMap<u64, Kept>)>);

impl Links {
    fn open(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Kept>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, kept: Kept) -> u64 {
        let mut open = self.open();
        let (last, all) = &mut *open;
        *last += 1;
        all.insert(*last, kept);
        while all.len() > MAX_KEPT {
            all.pop_first();
        }
        *last
    }

    pub(super) fn find(&self, token: &str) -> Result<Kept, EntraRefusal> {
        let number = token.split('.').next().unwrap_or_default();
        let found = number.parse().ok().and_then(|number: u64| {
            let open = self.open();
            open.1.get(&number).cloned()
        });
        found.ok_or_else(|| {
            let message = "Resync required. Replace all local items with the server's.";
            EntraRefusal::new(StatusCode::BAD_REQUEST, "syncStateNotFound", message)
        })
    }
}
