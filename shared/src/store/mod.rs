//! Organizations, memberships and teams in one DynamoDB table.
//!
//! The check that a caller may do something is part of the transaction that does it. An operation that
//! depends on stored values reads them first and writes on the condition that they are unchanged. See
//! `docs/DATA_MODEL.md` for the calls of each operation.

mod access;
mod error;
mod idempotency;
mod keys;
mod memberships;
mod organizations;
mod settle;
mod sync;
mod table;
mod team_members;
mod teams;
mod users;

use std::time::Duration;

use aws_sdk_dynamodb::Client;

pub use error::{Error, Refusal};
pub use idempotency::{FirstAnswer, Once};
pub use memberships::{MemberFilter, MembershipOfOrganization};
pub use organizations::OrganizationFilter;
pub use sync::{
    FoundOrganization, FoundTeam, Holdings, MembershipMarks, Move, Profile, TeamMembershipMarks,
    Written,
};
pub use table::{Error as TableError, Measure, client, metered};
pub use team_members::MembershipOfTeam;
pub use teams::TeamInOrganization;
pub use users::Registered;

pub use crate::domain::Page;

use crate::domain::Clock;
use table::{Table, Transaction};

/// The table.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table,
    clock: Clock,
}

/// What adding somebody came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Added<M> {
    /// They are in it now.
    New(M),
    /// They had been, or were invited, with the same role; this is the membership as it is now.
    Already(M),
}

/// What came of a write with an `Idempotency-Key`, or without.
#[derive(Clone, Debug, PartialEq)]
pub enum Done<T> {
    /// It was done now.
    Now(T),
    /// It had been done before, by the same request: this is the answer it got.
    Before(FirstAnswer),
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table.into()),
            clock: Clock::system(),
        }
    }

    /// Overrides the system clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Overrides how long an operation retries on contention (default 3 s).
    #[must_use]
    pub fn with_retry_budget(self, budget: Duration) -> Self {
        Self {
            table: self.table.with_retry_budget(budget),
            ..self
        }
    }

    /// Starts a transaction.
    fn transaction<L: Copy + PartialEq>(&self) -> Transaction<'_, L> {
        self.table.transaction(self.clock.new_id())
    }
}
