//! Organizations, memberships and teams in one DynamoDB table.
//!
//! The permission check is part of the transaction that makes the change. An operation that depends on stored
//! values reads them first and writes on the condition that they are unchanged. See `docs/DATA_MODEL.md` for
//! the calls of each operation.

mod access;
mod batch;
mod context;
mod directories;
mod domains;
mod error;
mod events;
#[cfg(test)]
mod fake;
mod idempotency;
mod invitations;
mod keys;
mod members;
mod naming;
mod organizations;
mod rows;
#[cfg(test)]
mod samples;
mod scim;
mod settle;
mod shown_items;
mod sync;
mod table;
mod team_members;
mod teams;
mod users;
mod webhook_endpoints;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use serde::{Deserialize, Serialize};

pub use batch::{BatchResult, RefusedItem};
pub use context::Context;
pub use directories::{
    ConfirmedRun, DirectoryWithToken, LoginDirectory, OpenRun, RunClaim, RunLease, RunState,
    WatchedDirectory, WatchedPlace, origin_of_run,
};
pub use domains::{DomainOfLogin, DomainToVerify, DueDomain};
pub use error::{Error, Refusal};
pub use events::{EventFilter, EventOrder, SETTLE_TIME, event_of};
pub use idempotency::IdempotentOutcome;
pub use invitations::{
    Answering, ByToken, InvitationPreview, MailClaim, MailLease, UserInvitation,
};
pub use members::{Member, MemberFilter, MemberSort, MembershipOfOrganization};
pub use organizations::{OrganizationFilter, OrganizationForCaller};
pub use rows::known_user::{KnownUser, ScimLink};
pub use scim::{ScimAccess, ScimFinished, ScimPage, ScimUserWithGroups, ScimWritten};
pub use sync::{
    CurrentMemberships, FoundOrganization, FoundTeam, MembershipMarks, Move, SyncedMembership,
    TeamMembershipMarks,
};
pub use table::{Error as TableError, Measure, client, metered, requests};
pub use team_members::MembershipOfTeam;
pub use teams::{TeamInOrganization, TeamWithLimits};
pub use users::{Profile, Registered, TokenRights, UserAccount, UserFilter};
pub use webhook_endpoints::{SigningEndpoint, WebhookEndpointWithSecret};

pub use crate::domain::Page;

use crate::domain::{Clock, DEFAULT_EVENT_RETENTION_DAYS};
use table::Table;

/// The store: all operations on the table.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table,
    clock: Clock,
    event_retention: Option<Duration>,
}

/// Result of adding a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Added<M> {
    /// The new membership.
    New(M),
    /// The existing membership or invitation, with the same role.
    Already(M),
}

/// Result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The write was applied.
    Done,
    /// Nothing was written: the item was already in the target state, or has changed since it was read.
    Unchanged,
    /// The name is taken.
    NameTaken,
}

impl From<bool> for WriteOutcome {
    /// Converts whether the condition of a write held.
    fn from(done: bool) -> Self {
        if done { Self::Done } else { Self::Unchanged }
    }
}

/// Returns the condition that an item is in this version.
fn in_version(version: u64) -> table::Condition {
    table::Condition::new("#version = :before").value(":before", table::number(version))
}

impl Store {
    /// Creates a store on the table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            table: Table::new(client, table.into()),
            clock: Clock::system(),
            event_retention: Some(Duration::from_hours(
                u64::from(DEFAULT_EVENT_RETENTION_DAYS) * 24,
            )),
        }
    }

    /// Overrides how long events are kept; `None` for ever. Defaults to 400 days.
    #[must_use]
    pub fn with_event_retention(self, event_retention: Option<Duration>) -> Self {
        Self {
            event_retention,
            ..self
        }
    }

    /// Overrides the system clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Overrides how long an operation retries on contention. Defaults to 3 s.
    #[must_use]
    pub fn with_retry_budget(self, budget: Duration) -> Self {
        Self {
            table: self.table.with_retry_budget(budget),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retry_budget_is_that_of_the_table() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest();
        let client = Client::from_conf(config.build());
        let budget = Duration::from_millis(150);
        let store = Store::new(client, "muster").with_retry_budget(budget);
        assert_eq!(store.table.retry_budget(), budget);
    }

    #[test]
    fn events_are_kept_as_long_as_set() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest();
        let client = Client::from_conf(config.build());
        let store = Store::new(client, "muster");
        for retention in [None, Some(Duration::from_hours(24))] {
            let store = store.clone().with_event_retention(retention);
            assert_eq!(store.event_retention, retention);
        }
    }
}
