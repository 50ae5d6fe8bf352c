use std::sync::Arc;

use muster::domain::{Caller, IdempotencyKey, Origin, Timestamp};
use muster::http::{Answer, Problem};
use muster::store::{Context, IdempotentOutcome, Store};

use crate::App;

/// A call of an endpoint, for a handler that uses `S` besides the table.
pub(crate) struct Call<S = ()> {
    /// What every function has.
    pub(crate) app: Arc<App>,
    /// What this function uses besides the table.
    pub(crate) services: Arc<S>,
    /// The caller.
    pub(crate) caller: Caller,
    /// The time of the call. All writes of the call use it.
    pub(crate) now: Timestamp,
    /// The caller and the client, as the events of the call's changes name them.
    pub(crate) origin: Origin,
}

impl<S> Call<S> {
    /// The table.
    pub(crate) fn store(&self) -> &Store {
        &self.app.store
    }

    /// The context of a store operation.
    pub(crate) fn context(&self) -> Context {
        self.idempotent(None)
    }

    /// The context of a store operation that an `Idempotency-Key` makes idempotent.
    pub(crate) fn idempotent(&self, key: Option<IdempotencyKey>) -> Context {
        Context {
            caller: self.caller.clone(),
            now: self.now,
            origin: self.origin.clone(),
            idempotency_key: key,
        }
    }
}

/// A call of an endpoint without a token of a user.
pub(crate) struct PublicCall<S = ()> {
    /// What every function has.
    pub(crate) app: Arc<App>,
    /// What this function uses besides the table.
    pub(crate) services: Arc<S>,
}

/// Renders the result of a write. A replayed one gets the same answer as the first, and is marked.
pub(crate) fn render<T>(
    outcome: IdempotentOutcome<T>,
    render: impl Fn(&T) -> Answer,
) -> Result<Answer, Problem> {
    match outcome {
        IdempotentOutcome::Fresh(value) => Ok(render(&value)),
        IdempotentOutcome::Replayed(value) => Ok(render(&value).replayed()),
        IdempotentOutcome::ReplayedAnswer(kept) => Answer::from_last_release(&kept),
    }
}
