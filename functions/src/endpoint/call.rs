use std::sync::Arc;

use muster::domain::{Caller, IdempotencyKey, Origin, Timestamp};
use muster::http::{Answer, Problem};
use muster::store::{Context, IdempotentOutcome, Store};

use crate::App;

/// A call of an endpoint: caller, time and response.
#[derive(Clone)]
pub struct Call {
    /// The configuration of the function.
    pub app: Arc<App>,
    /// The caller.
    pub caller: Caller,
    /// The time of the call. All writes of the call use it.
    pub now: Timestamp,
    /// The caller and the client, as the events of the call's changes name them.
    pub origin: Origin,
}

impl Call {
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
