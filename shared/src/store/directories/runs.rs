//! Runs of a directory: which one has it, how far it is, and what became of it.
//!
//! One run at a time has a directory, by a lease on an item of its own. Each save of its progress renews the lease, on
//! the condition that the run still has it. If a run stops without giving it back, the next one takes it after three
//! minutes, and continues.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Action, DeletionRow, event, from_row, require_tenant_admin, to_change, unchanged};
use crate::domain::{
    Actor, Directory, DirectoryId, DirectoryRun, DirectoryRunId, DirectoryStatus, EventContext,
    EventType, Invalid, Origin, Page, RunKind, RunNumbers, RunOutcome, TenantId, Timestamp,
    Transition, UserId,
};
use crate::store::keys::{self, GSI2, RUN_PREFIX};
use crate::store::table::{
    Change, Condition, Item, Query, Updated, from_item, in_partition, text, to_item,
};
use crate::store::{Context, Error, Refusal, Store, table};

/// How long a run has the directory without a sign of life.
const LEASE: Duration = Duration::from_mins(3);
/// How long the record of a run is kept.
const KEPT: Duration = Duration::from_hours(90 * 24);
/// Attributes of the item: who has the lease, and until when.
const BY: &str = "lease_by";
const UNTIL: &str = "lease_until";
/// Attribute of the item: the progress, as JSON.
const STATE: &str = "state";
/// Attribute of the item: the blocked run that a tenant admin has confirmed, as JSON.
const CONFIRMED: &str = "confirmed";
/// Attribute of a directory: the latest blocked run, until one comes through.
const BLOCKED: &str = "blocked_run_id";
/// The operation in the events of a run.
const OPERATION: &str = "reconcileDirectory";

/// What is kept between the runs of a directory, and while one is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunState {
    /// The run under way.
    pub open: Option<OpenRun>,
    /// Links to the changes since the last run: of groups, and of accounts.
    pub group_links: Vec<String>,
    /// As `group_links`, of accounts.
    pub account_link: Option<String>,
    /// What the links follow, and the settings that were applied. Another value needs a complete run.
    pub followed: String,
    /// Number of groups assigned to the application in the last run.
    pub groups: usize,
    /// Memberships that the directory gives.
    pub given: u64,
    /// The end of the last complete run.
    pub complete_at: Option<Timestamp>,
    /// Users whom the last run could not read.
    pub again: Vec<UserId>,
}

/// A run under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRun {
    /// The id.
    pub id: DirectoryRunId,
    /// What it reads.
    pub kind: RunKind,
    /// Who asked for it.
    pub requested_by: Option<UserId>,
    /// The start.
    pub started_at: Timestamp,
    /// Whether everything is counted, and what is taken away is taken away now.
    pub takes_away: bool,
    /// What was taken away so far: memberships that ended, and those of users who were disabled.
    pub taken: u64,
    /// The place of the last user who is done.
    pub done_to: Option<String>,
    /// The numbers so far.
    pub numbers: RunNumbers,
    /// The links that replace those of the state at the end.
    pub group_links: Vec<String>,
    /// As `group_links`, of accounts.
    pub account_link: Option<String>,
    /// Users who could not be read.
    pub again: Vec<UserId>,
    /// Users from whom something is to be taken away; `None` if there are too many to name.
    pub leaving: Option<Vec<UserId>>,
}

/// A blocked run that a tenant admin has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedRun {
    /// The run.
    pub run_id: DirectoryRunId,
    /// How many memberships the next run may end.
    pub may_end: u64,
}

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

/// A directory that is read by runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveDirectory {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The directory.
    pub id: DirectoryId,
    /// The end of its last run, or its creation.
    pub last_run_at: Timestamp,
}

/// The attributes of the record of a run, except its keys.
#[derive(Serialize, Deserialize)]
struct RunRow {
    #[serde(flatten)]
    run: DirectoryRun,
    /// In seconds since 1970.
    expires_at: i64,
}

impl RunState {
    /// Takes over what a run has read to its end.
    pub fn close(&mut self, open: &mut OpenRun, now: Timestamp) {
        self.group_links = std::mem::take(&mut open.group_links);
        self.account_link = open.account_link.take();
        self.again = std::mem::take(&mut open.again);
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

fn json(value: &impl Serialize) -> Result<String, table::Error> {
    serde_json::to_string(value).map_err(table::Error::defect)
}

fn parsed<T: for<'de> Deserialize<'de>>(
    item: &Item,
    attribute: &str,
) -> Result<Option<T>, table::Error> {
    let Some(value) = item.get(attribute) else {
        return Ok(None);
    };
    let text = value.as_s().map_err(|_| table::Error::defect("no text"))?;
    serde_json::from_str(text)
        .map(Some)
        .map_err(table::Error::defect)
}

impl Store {
    /// Returns the directories that runs read, of all tenants, after a place. Makes one `Query`.
    pub async fn active_directories(
        &self,
        after: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<ActiveDirectory>, Option<Item>), Error> {
        let query = Query {
            index: Some(GSI2),
            condition: in_partition(Some(GSI2), keys::runs_partition(), String::new()),
            filter: None,
            after,
            limit,
            is_backwards: false,
        };
        let page = self.table.query(query).await?;
        let last = page.items.last().map(|item| {
            let attributes = ["pk", "sk", "gsi2pk", "gsi2sk"].into_iter();
            attributes
                .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
                .collect::<Item>()
        });
        let last = page.next.and(last);
        let found = page.items.into_iter().map(|item| {
            let directory = from_row(item)?;
            Ok(ActiveDirectory {
                last_run_at: directory
                    .last_run
                    .map_or(directory.created_at, |run| run.ended_at),
                tenant_id: directory.tenant_id,
                id: directory.id,
            })
        });
        Ok((found.collect::<Result<_, table::Error>>()?, last))
    }

    /// Returns a directory for a run: `None` if it is gone, not active, or being deleted.
    pub async fn directory_to_run(
        &self,
        tenant: &TenantId,
        id: &DirectoryId,
    ) -> Result<Option<Directory>, Error> {
        let Some(item) = self.table.get(&keys::directory(tenant, id)).await? else {
            return Ok(None);
        };
        let deletion: DeletionRow = from_item(item.clone())?;
        let directory = from_row(item)?;
        let is_active = directory.status == DirectoryStatus::Active && deletion.deleting.is_none();
        Ok(is_active.then_some(directory))
    }

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
        let change = Change::new()
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
        let change = Change::new()
            .set(STATE, text(json(state)?))
            .set(UNTIL, text(until.to_string()));
        let key = lease.key();
        Ok(self.table.update(&key, change, lease.is_own()).await?)
    }

    /// Saves the progress, and gives the right to run back. Does nothing if another run has it.
    pub async fn release_run(&self, lease: &RunLease, state: &RunState) -> Result<(), Error> {
        let change = Change::new()
            .set(STATE, text(json(state)?))
            .remove(BY)
            .remove(UNTIL);
        self.table
            .update(&lease.key(), change, lease.is_own())
            .await?;
        Ok(())
    }

    /// Ends a run: records it, and gives the right to run back. A blocked run has an event, unless one was blocked
    /// before and none has come through since. A broken directory has an event, and is no longer read. Returns whether it did.
    ///
    /// Writes one transaction on the conditions that the run still has the right, and that the directory is there; to
    /// break it, that it is as it was read.
    pub async fn finish_run(
        &self,
        lease: &RunLease,
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
        let change = Change::new().take("last_run", &last_run);
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
        transaction.update(Action::Directory, &key, change, condition);
        let ended = Change::new()
            .set(STATE, text(json(state)?))
            .remove(BY)
            .remove(UNTIL);
        // A confirmation is for one run.
        let ended = match run.outcome {
            RunOutcome::Synced | RunOutcome::Unchanged | RunOutcome::RunBlocked => {
                ended.remove(CONFIRMED)
            }
            RunOutcome::Partial | RunOutcome::Failed | RunOutcome::Broken => ended,
        };
        transaction.update(Action::Run, &lease.key(), ended, lease.is_own());
        let row = RunRow {
            run: run.clone(),
            expires_at: run.ended_at.after(KEPT).as_second(),
        };
        let key = keys::run(&lease.tenant, &lease.directory, &run.id);
        let row = to_item(&row, [key.attributes(), Item::new()])?;
        transaction.put(Action::Record, row, Condition::none());
        Ok(transaction.commit().await?.is_ok())
    }

    /// Returns the runs of the last 90 days, the latest first. Requires a tenant admin.
    pub async fn directory_runs(
        &self,
        cx: &Context,
        directory: &DirectoryId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DirectoryRun>, Error> {
        require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let after = after.map(|place| {
            let id = place.strip_prefix(RUN_PREFIX).map(str::to_owned);
            let id = id.and_then(|id| DirectoryRunId::parse(id).ok());
            let id = id.ok_or(Refusal::InvalidPosition)?;
            Ok::<_, Refusal>(keys::run(tenant, directory, &id).attributes())
        });
        let query = Query {
            index: None,
            condition: in_partition(
                None,
                keys::directory_partition(tenant, directory),
                RUN_PREFIX.to_owned(),
            ),
            filter: None,
            after: after.transpose()?,
            limit,
            is_backwards: true,
        };
        let (_, page) = tokio::try_join!(self.existing_directory(tenant, directory), async {
            Ok(self.table.query(query).await?)
        })?;
        let runs = page.items.into_iter().map(|item| {
            let row: RunRow = from_item(item)?;
            Ok(row.run)
        });
        Ok(Page {
            items: runs.collect::<Result<_, table::Error>>()?,
            next: page.next,
        })
    }

    /// Confirms the blocked run of a directory: the next one may end as many memberships as it would have. Requires a
    /// tenant admin.
    ///
    /// Makes two reads, and writes one transaction on the condition that the directory is as it was read, and that this
    /// run is still the one that is blocked.
    pub async fn confirm_run(
        &self,
        cx: &Context,
        id: &DirectoryId,
        run: &DirectoryRunId,
    ) -> Result<(), Error> {
        require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let not_blocked = || Refusal::Invalid {
            field: "/confirm",
            reason: Invalid::new("must be the blocked_run_id of the directory"),
        };
        self.until_settled("confirm_run", |now| async move {
            let before = self.runnable(tenant, id).await?;
            if before.blocked_run_id.as_ref() != Some(run) {
                return Err(not_blocked().into());
            }
            let record = self.table.get(&keys::run(tenant, id, run)).await?;
            let blocked: RunRow = from_item(record.ok_or_else(not_blocked)?)?;
            let after = Directory {
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::DirectoryUpdated, changed);
            let event = event.with_change("confirmed_run", Value::Null, run.as_str().into());
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let still = Condition::new(format!("#{BLOCKED} = :run"));
            transaction.update(
                Action::Directory,
                &keys::directory(tenant, id),
                to_change(&after)?,
                unchanged(&before).and(still.value(":run", text(run.as_str()))),
            );
            let confirmed = ConfirmedRun {
                run_id: run.clone(),
                may_end: blocked.run.numbers.memberships_held_back,
            };
            transaction.update(
                Action::Run,
                &keys::run_state(tenant, id),
                Change::new().set(CONFIRMED, text(json(&confirmed)?)),
                Condition::present(),
            );
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => Err(super::not_changed(&unmet)),
            }
        })
        .await
    }

    /// Returns a directory for a run that a tenant admin asks for. Refuses one that is not active.
    pub async fn directory_to_sync(
        &self,
        cx: &Context,
        id: &DirectoryId,
    ) -> Result<Directory, Error> {
        require_tenant_admin(&cx.caller)?;
        self.runnable(&cx.caller.tenant_id, id).await
    }

    async fn runnable(&self, tenant: &TenantId, id: &DirectoryId) -> Result<Directory, Error> {
        let (directory, deletion) = self.existing_directory(tenant, id).await?;
        if deletion.deleting.is_some() {
            return Err(Refusal::DirectoryBeingDeleted.into());
        }
        if directory.status != DirectoryStatus::Active {
            return Err(Refusal::DirectoryNotActive.into());
        }
        Ok(directory)
    }
}

/// Returns the origin of what a run changes.
pub fn origin_of_run(run: &DirectoryRunId) -> Origin {
    Origin {
        actor: Actor::directory(),
        context: EventContext {
            request_id: run.as_str().to_owned(),
            operation: OPERATION.to_owned(),
            ..EventContext::default()
        },
    }
}
