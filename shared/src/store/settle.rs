//! Retries an operation until what it read and what it writes agree.

use super::table;
use super::{Error, Store};
use crate::domain::Timestamp;

/// Why an attempt did not settle an operation.
pub(super) enum Unsettled {
    /// What it read has changed since. The next attempt reads again.
    Overtaken,
    /// A part is done. The next attempt does the rest.
    Partial,
    /// It cannot be done.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Unsettled {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Store {
    /// Runs an operation that reads, and then writes on the condition that what it read is unchanged. Repeats it
    /// with backoff while it is overtaken by others. Each attempt gets the time of its start.
    // Not `AsyncFn`: the compiler cannot tell yet that what such a closure returns is `Send`.
    pub(super) async fn until_settled<T, A: Future<Output = Result<T, Unsettled>>>(
        &self,
        operation: &'static str,
        attempt: impl Fn(Timestamp) -> A,
    ) -> Result<T, Error> {
        let mut backoff = self.table.backoff();
        loop {
            match attempt(self.clock.now()).await {
                Ok(settled) => return Ok(settled),
                Err(Unsettled::Failed(error)) => return Err(error),
                Err(Unsettled::Partial) => {}
                Err(Unsettled::Overtaken) => {
                    backoff.wait(table::Error::Conflict(operation)).await?;
                }
            }
        }
    }
}
