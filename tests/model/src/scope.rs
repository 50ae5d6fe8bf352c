//! The scope of a search, and its counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use muster::domain::{Role, Status};
use strum::{VariantArray as _, VariantNames as _};

use crate::requests::{Request, RequestOutcome};
use crate::transaction::ConditionKind;

/// The scope of a search.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part that a search includes or not"
)]
pub struct Scope {
    /// The maximum number of organizations.
    pub organizations: usize,
    /// Concurrent requests.
    pub at_once: usize,
    /// The roles that requests use.
    pub roles: Vec<Role>,
    /// The statuses that requests give to members.
    pub statuses: Vec<Status>,
    /// Whether logins of directory users are included.
    pub logins: bool,
    /// The maximum number of open invitations by email in an organization.
    pub invitations: usize,
    /// Whether users are disabled and enabled.
    pub disables: bool,
    /// Whether responses are lost, and the transaction is repeated after DynamoDB has forgotten its
    /// token.
    pub lost_answers: bool,
    /// Whether to keep a transaction that must fail until it fails. Without them the search is
    /// shorter: a failed request starts again, and could have started later in the first place.
    pub keeps_doomed: bool,
    /// The condition that this search omits.
    pub without: Option<ConditionKind>,
    /// Counts by request and outcome, for information only.
    pub outcomes: Outcomes,
}

/// Counts by request and outcome.
#[derive(Debug, Default)]
pub struct Outcomes([[AtomicU64; RequestOutcome::VARIANTS.len()]; Request::VARIANTS.len()]);

impl Clone for Outcomes {
    fn clone(&self) -> Self {
        let copy = Self::default();
        for (to, from) in copy.0.iter().flatten().zip(self.0.iter().flatten()) {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        copy
    }
}

impl Outcomes {
    pub(crate) fn count(&self, request: Request, outcome: RequestOutcome) {
        self.0[request.kind()][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All outcomes by the request's name.
    pub fn all(&self) -> BTreeMap<(&'static str, RequestOutcome), u64> {
        let mut all = BTreeMap::new();
        for (name, counts) in Request::VARIANTS.iter().zip(&self.0) {
            for (outcome, count) in RequestOutcome::VARIANTS.iter().zip(counts) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    all.insert((*name, *outcome), count);
                }
            }
        }
        all
    }
}
