//! The progress of the runs of a directory: which one has it, how far it is, and its end.
//!
//! A directory has one run at a time, by a lease on an item of its own. Each save of its progress renews the lease, on
//! the condition that the run still has it. If a run stops without giving it back, the next one takes it after three
//! minutes, and continues.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use serde_json::Value;
use uuid::Uuid;

use super::run_rows::{
    BLOCKED, CONFIRMED, ConfirmedRun, OpenRun, READ_AT, RunState, STATE, json, parsed, row_of,
};
use super::{DirectoryAction, event, to_change, unchanged};
use crate::domain::{
    Actor, Directory, DirectoryId, DirectoryRun, DirectoryRunId, DirectoryStatus, EventContext,
    EventType, Origin, RunKind, RunOutcome, TenantId, Timestamp, Transition,
};
use crate::store::table::{Condition, Item, ItemChange, Updated, text, to_item};
use crate::store::{Error, Store, keys, table};

/// How long a run has the directory without a sign of life.
const LEASE: Duration = Duration::from_mins(3);
/// Attributes of the item: who has the lease, and until when.
const BY: &str = "lease_by";
const UNTIL: &str = "lease_until";
/// The operation in the events of a run.
const OPERATION: &str = "reconcileDirectory";

/// The right to run, of the one who has it.
#[derive(Clone, Debug)]
pub struct RunLease {
    tenant: TenantId,
    directory: DirectoryId,
    id: Uuid,
}

/// The result of asking for the right to run.
#[derive(Debug)]
pub enum RunClaim {
    /// The caller has it.
    Granted(RunLease, Box<RunState>, Option<ConfirmedRun>),
    /// Another run has it.
    Held,
}

impl RunState {
    /// Takes over what a run has read to its end.
    pub fn close(&mut self, open: &mut OpenRun, now: Timestamp) {
        self.group_links = std::mem::take(&mut open.group_links);
        self.account_link = open.account_link.take();
        self.again = std::mem::take(&mut open.again);
        self.sees_accounts |= open.sees_accounts;
        if open.kind == RunKind::Complete {
            self.complete_at = Some(now);
        }
    }
}

impl RunLease {
    fn key(&self) -> table::Key {
        keys::run_state(&self.tenant, &self.directory)
    }

    fn is_own(&self) -> Condition {
        Condition::new(format!("#{BY} = :lease")).value(":lease", text(self.id.to_string()))
    }
}

impl Store {
    /// Returns the progress of the runs of a directory, without the right to run.
    pub async fn run_state(
        &self,
        tenant: &TenantId,
        directory: &DirectoryId,
    ) -> Result<RunState, Error> {
        let item = self.table.get(&keys::run_state(tenant, directory)).await?;
        Ok(parsed(&item.unwrap_or_default(), STATE)?.unwrap_or_default())
    }

    /// Takes the right to run for three minutes. Writes on the condition that no other run has it.
    pub async fn claim_run(
        &self,
        tenant: &TenantId,
        directory: &DirectoryId,
    ) -> Result<RunClaim, Error> {
        let now = self.clock.now();
        let lease = RunLease {
            tenant: tenant.clone(),
            directory: directory.clone(),
            id: self.clock.new_id(),
        };
        let free = format!("attribute_not_exists(#{UNTIL}) OR #{UNTIL} <= :now OR #{BY} = :lease");
        let free = Condition::new(free)
            .value(":now", text(now.to_string()))
            .value(":lease", text(lease.id.to_string()));
        let change = ItemChange::new()
            .set(BY, text(lease.id.to_string()))
            .set(UNTIL, text(now.after(LEASE).to_string()));
        let key = lease.key();
        let taken = self
            .table
            .update_and_return(&key, change, free, ReturnValue::AllNew);
        match taken.await? {
            Updated::Done(item) => {
                let item = item.unwrap_or_default();
                let state = parsed(&item, STATE)?.unwrap_or_default();
                let confirmed = parsed(&item, CONFIRMED)?;
                Ok(RunClaim::Granted(lease, Box::new(state), confirmed))
            }
            Updated::Unmet(_) => Ok(RunClaim::Held),
        }
    }

    /// Saves the progress, and keeps the right to run for another three minutes. Returns whether it still had it.
    pub async fn save_run(&self, lease: &RunLease, state: &RunState) -> Result<bool, Error> {
        let until = self.clock.now().after(LEASE);
        let change = ItemChange::new()
            .set(STATE, text(json(state)?))
            .set(UNTIL, text(until.to_string()));
        let key = lease.key();
        Ok(self.table.update(&key, change, lease.is_own()).await?)
    }

    /// Keeps the right to run for another three minutes. Returns whether the run still had it.
    pub async fn renew_run(&self, lease: &RunLease) -> Result<bool, Error> {
        let until = self.clock.now().after(LEASE);
        let change = ItemChange::new().set(UNTIL, text(until.to_string()));
        let key = lease.key();
        Ok(self.table.update(&key, change, lease.is_own()).await?)
    }

    /// Saves the progress, and gives the right to run back. Does nothing if another run has it.
    pub async fn release_run(&self, lease: &RunLease, state: &RunState) -> Result<(), Error> {
        let change = ItemChange::new()
            .set(STATE, text(json(state)?))
            .remove(BY)
            .remove(UNTIL);
        self.table
            .update(&lease.key(), change, lease.is_own())
            .await?;
        Ok(())
    }

    /// Ends a run: records it, and gives the right to run back. A blocked run has an event, unless one was blocked
    /// before and none has succeeded since. A broken directory has an event, and is no longer read. Returns whether it did.
    ///
    /// Writes one transaction on the conditions that the run still has the right, and that the directory is there; to
    /// break it, that it is as it was read.
    pub async fn finish_run(
        &self,
        lease: &RunLease,
        confirmed: Option<&ConfirmedRun>,
        before: &Directory,
        state: &RunState,
        run: &DirectoryRun,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        let origin = origin_of_run(&run.id);
        let is_broken = run.outcome == RunOutcome::Broken;
        let after = Directory {
            status: DirectoryStatus::Broken,
            status_reason: run.reason.clone(),
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        let changed = Transition::Changed(before, &after);
        let told = match run.outcome {
            RunOutcome::Broken => Some(event(EventType::DirectoryBroken, changed)),
            RunOutcome::RunBlocked if before.blocked_run_id.is_none() => {
                let same = Transition::Changed(before, before);
                let held_back = run.numbers.memberships_held_back;
                Some(
                    event(EventType::DirectoryRunBlocked, same)
                        .with_change("run_id", Value::Null, run.id.as_str().into())
                        .with_change("memberships_held_back", Value::Null, held_back.into()),
                )
            }
            _ => None,
        };
        let mut transaction = self.transaction(&origin, told)?;
        let last_run = serde_json::to_value(run).map_err(table::Error::defect)?;
        let last_run = to_item(
            &serde_json::json!({"last_run": last_run}),
            [Item::new(), Item::new()],
        )?;
        let change = ItemChange::new().take("last_run", &last_run);
        let change = if run.outcome.has_read() {
            change.set(READ_AT, text(run.ended_at.to_string()))
        } else {
            change
        };
        // One that could not read the directory says nothing about what is held back.
        let change = match run.outcome {
            RunOutcome::RunBlocked => change.set(BLOCKED, text(run.id.as_str())),
            RunOutcome::Synced | RunOutcome::Unchanged | RunOutcome::Partial => {
                change.remove(BLOCKED)
            }
            RunOutcome::Failed | RunOutcome::Broken => change,
        };
        let (change, condition) = if is_broken {
            (change.and(to_change(&after)?), unchanged(before))
        } else {
            (change, Condition::present())
        };
        let key = keys::directory(&lease.tenant, &lease.directory);
        transaction.update(DirectoryAction::Directory, &key, change, condition);
        let ended = ItemChange::new()
            .set(STATE, text(json(state)?))
            .remove(BY)
            .remove(UNTIL);
        // A confirmation is for one run that succeeds. One that was given while a run was under way, which is blocked
        // then, is for the next one.
        let ended = match run.outcome {
            RunOutcome::Synced | RunOutcome::Unchanged | RunOutcome::Partial => {
                ended.remove(CONFIRMED)
            }
            RunOutcome::RunBlocked if confirmed.is_some() => ended.remove(CONFIRMED),
            RunOutcome::RunBlocked | RunOutcome::Failed | RunOutcome::Broken => ended,
        };
        transaction.update(DirectoryAction::Run, &lease.key(), ended, lease.is_own());
        let row = row_of(&lease.tenant, run)?;
        transaction.put(DirectoryAction::Record, row, Condition::none());
        Ok(transaction.commit().await?.is_ok())
    }
}

/// Returns the origin of what a run changes.
pub fn origin_of_run(run: &DirectoryRunId) -> Origin {
    Origin::new(
        Actor::directory(),
        EventContext {
            request_id: run.as_str().to_owned(),
            operation: OPERATION.to_owned(),
            ..EventContext::default()
        },
    )
}

#[cfg(test)]
mod tests;
