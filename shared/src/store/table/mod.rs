//! A DynamoDB table through the SDK: conditional writes, labelled transactions, reads and retries. Independent
//! of the contents of the items.

mod attributes;
mod backoff;
mod client;
mod error;
mod expression;
mod item;
mod meter;
mod read;
pub mod requests;
mod single;
mod transaction;

use std::time::Duration;

use aws_sdk_dynamodb::Client;

pub(super) use attributes::from_item;
pub(super) use backoff::Backoff;
#[cfg(test)]
pub(super) use client::CALL_TIMEOUT;
pub use client::client;
pub use error::Error;
pub(super) use expression::{Condition, ItemChange, number, text};
pub(super) use item::{Item, Key, key_of, text_of, to_item};
pub use meter::{Measure, metered};
pub(super) use read::{Page, Query, between, in_partition};
pub(super) use single::Updated;
pub(super) use transaction::{Transaction, Unmet};

/// How long an operation retries on contention.
pub(super) const RETRY_BUDGET: Duration = Duration::from_secs(3);

/// One DynamoDB table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    client: Client,
    name: String,
    retry_budget: Duration,
}

impl Table {
    /// Returns a handle of the table with this name.
    pub(super) fn new(client: Client, name: String) -> Self {
        Self {
            client,
            name,
            retry_budget: RETRY_BUDGET,
        }
    }

    /// Overrides the retry budget. Defaults to 3 s.
    pub(super) fn with_retry_budget(self, retry_budget: Duration) -> Self {
        Self {
            retry_budget,
            ..self
        }
    }

    /// How long an operation retries on contention.
    pub(super) fn retry_budget(&self) -> Duration {
        self.retry_budget
    }

    /// Starts the backoff of one operation.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_budget)
    }
}
