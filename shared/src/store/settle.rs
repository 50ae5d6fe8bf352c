//! Retries an operation until its writes match what it read.

use super::table;
use super::{Error, Store};
use crate::domain::Timestamp;

/// Reason for which an attempt did not settle an operation.
pub(super) enum Unsettled {
    /// The data read has changed since. The next attempt reads it again.
    Overtaken,
    /// Part of the work is done. The next attempt does the rest.
    Partial,
    /// The operation failed.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Unsettled {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Store {
    /// Runs an operation that reads, and then writes on the condition that the data read is unchanged. Retries
    /// with backoff when a concurrent write changed that data. Passes each attempt its start time.
    // Not `AsyncFn`: the compiler cannot yet determine that the future returned by such a closure is `Send`.
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

#[cfg(test)]
impl Unsettled {
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Failed(Error::Refused(super::Refusal::NotFound)))
    }
}
