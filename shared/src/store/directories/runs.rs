//! The runs of directories: which directories are to be read, the results of runs, and the confirmation of a blocked one.

use serde::Deserialize;
use serde_json::Value;

use super::run_rows::{BLOCKED, CONFIRMED, ConfirmedRun, RunRow, json};
use super::{DeletionRow, DirectoryAction, event, from_row, to_change, unchanged};
use crate::domain::{
    Directory, DirectoryId, DirectoryRun, DirectoryRunId, DirectoryStatus, EventType, Invalid,
    Page, TenantId, Timestamp, Transition,
};
use crate::store::access;
use crate::store::keys::{self, GSI2, RUN_PREFIX};
use crate::store::table::{Condition, Item, ItemChange, Query, from_item, text};
use crate::store::{Context, Error, Refusal, Store, table};

/// A directory that runs read, or read until it broke.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedDirectory {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The directory.
    pub id: DirectoryId,
    /// Whether it can no longer be read. It has no runs until a tenant admin makes it active again.
    pub is_broken: bool,
    /// Whether its last run that could read it was blocked.
    pub is_blocked: bool,
    /// When a run last read it, or when it was last changed, for example made active again. `None` for a directory of
    /// type `scim`, which is not read.
    pub last_read_at: Option<Timestamp>,
}

/// A place in the list of directories that runs read: after one of them.
#[derive(Clone, Debug)]
pub struct WatchedPlace(Item);

/// The attribute of a directory that says when it was read.
#[derive(Deserialize)]
struct ReadRow {
    #[serde(default)]
    read_at: Option<Timestamp>,
}

impl Store {
    /// Returns the directories that are active or broken, of all tenants, after a place. One that cannot be read does not
    /// hide the others. Makes one `Query`.
    pub async fn watched_directories(
        &self,
        after: Option<WatchedPlace>,
        limit: usize,
    ) -> Result<(Vec<Result<WatchedDirectory, Error>>, Option<WatchedPlace>), Error> {
        let query = Query::in_partition(Some(GSI2), keys::runs_partition(), "")
            .after(after.map(|WatchedPlace(key)| key))
            .limit(limit);
        let page = self.table.query(query).await?;
        let last = page.items.last().map(|item| {
            let attributes = ["pk", "sk", "gsi2pk", "gsi2sk"].into_iter();
            attributes
                .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
                .collect::<Item>()
        });
        let last = page.next.and(last);
        let found = page.items.into_iter().map(|item| {
            let ReadRow { read_at } = from_item(&item)?;
            let directory = from_row(item)?;
            // An earlier release has not recorded it.
            let last = directory
                .last_run
                .as_ref()
                .filter(|run| run.outcome.has_read());
            let last = read_at.or(last.map(|run| run.ended_at));
            let last = last.map_or(directory.updated_at, |last| last.max(directory.updated_at));
            Ok(WatchedDirectory {
                is_broken: directory.status == DirectoryStatus::Broken,
                is_blocked: directory.blocked_run_id.is_some(),
                last_read_at: directory.entra.is_some().then_some(last),
                tenant_id: directory.tenant_id,
                id: directory.id,
            })
        });
        Ok((
            found.map(|one: Result<_, table::Error>| Ok(one?)).collect(),
            last.map(WatchedPlace),
        ))
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
        let deletion: DeletionRow = from_item(&item)?;
        let directory = from_row(item)?;
        let is_active = directory.status == DirectoryStatus::Active && deletion.deleting.is_none();
        Ok(is_active.then_some(directory))
    }

    /// Returns the runs of the last 90 days, the latest first. Requires a tenant admin.
    pub async fn directory_runs(
        &self,
        cx: &Context,
        directory: &DirectoryId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DirectoryRun>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let after = after.map(|place| {
            let id = place.strip_prefix(RUN_PREFIX).map(str::to_owned);
            let id = id.and_then(|id| DirectoryRunId::parse(id).ok());
            let id = id.ok_or(Refusal::InvalidPosition)?;
            Ok::<_, Refusal>(keys::run(tenant, directory, &id).attributes())
        });
        let query = Query::in_partition(
            None,
            keys::directory_partition(tenant, directory),
            RUN_PREFIX,
        )
        .after(after.transpose()?)
        .limit(limit)
        .backwards(true);
        let (_, page) = tokio::try_join!(self.existing_directory(tenant, directory), async {
            Ok(self.table.query(query).await?)
        })?;
        let runs = page.items.into_iter().map(|item| {
            let row: RunRow = from_item(&item)?;
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
        access::require_tenant_admin(&cx.caller)?;
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
                DirectoryAction::Directory,
                &keys::directory(tenant, id),
                to_change(&after)?,
                unchanged(&before).and(still.value(":run", text(run.as_str()))),
            );
            let confirmed = ConfirmedRun {
                run_id: run.clone(),
                may_end: blocked.run.numbers.memberships_held_back,
            };
            transaction.update(
                DirectoryAction::Run,
                &keys::run_state(tenant, id),
                ItemChange::new().set(CONFIRMED, text(json(&confirmed)?)),
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
        access::require_tenant_admin(&cx.caller)?;
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
