//! Deleting a directory, with what it gave.
//!
//! The directory is marked first, and deleted last. In between, all users of the tenant are gone through, and what the
//! directory gave them is kept or removed. The place that was reached is stored, so that a repeated call continues.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    BEING_DELETED, DELETING, DONE_TO, DeletionRow, DirectoryAction, event, not_changed, to_change,
    unchanged,
};
use crate::domain::{
    Directory, DirectoryId, DirectoryStatus, DirectoryType, EventDraft, EventType, ExpectedVersion,
    Membership, MembershipsOfDeleted, Origin, Source, TeamMembership, TenantId, Timestamp,
    Transition, User, UserId,
};
use crate::store::access;
use crate::store::rows::members::{MAPPED_FROM, SUSPENDED_BY, SYNCED_ROLE};
use crate::store::rows::{members, team_members};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, from_item, number, text, to_item};
use crate::store::{Context, Error, Refusal, Store, WriteOutcome, in_version, keys, table};

/// How long one call works. A function may run for 10 s.
const BUDGET: Duration = Duration::from_secs(6);
/// Number of users that are handled at the same time.
const AT_ONCE: usize = 16;
/// How often what a user has is read again when it changes meanwhile.
const ATTEMPTS: usize = 5;
/// How long it is remembered what a deletion did: much longer than a login takes.
const REMEMBERED: Duration = Duration::from_hours(24);

/// The attributes of what is left of a deleted directory, except its keys.
#[derive(serde::Serialize, serde::Deserialize)]
struct DeletedRow {
    memberships: MembershipsOfDeleted,
    expires_at: i64,
}

impl Store {
    /// Deletes a directory. The memberships that it gave become `manual`, or are removed. Requires a tenant admin.
    ///
    /// The membership of the last active owner of an organization is kept in any case. Returns [`Refusal::Unfinished`]
    /// when the time is up; a repeated call continues.
    pub async fn delete_directory(
        &self,
        cx: &Context,
        id: &DirectoryId,
        memberships: MembershipsOfDeleted,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        access::require_tenant_admin(&cx.caller)?;
        let deletion = self.until_settled("delete_directory", |now| {
            self.deletion_step(cx, id, memberships, expected, now)
        });
        tokio::time::timeout(BUDGET, Box::pin(deletion))
            .await
            .unwrap_or_else(|_| Err(Refusal::Unfinished.into()))
    }

    async fn deletion_step(
        &self,
        cx: &Context,
        id: &DirectoryId,
        memberships: MembershipsOfDeleted,
        expected: &ExpectedVersion,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let tenant = &cx.caller.tenant_id;
        let (before, deletion) = self.existing_directory(tenant, id).await?;
        let Some(started) = deletion.deleting else {
            expected.require(before.version)?;
            return self.start_deletion(cx, &before, memberships, now).await;
        };
        if started != memberships {
            // Part of the memberships may have been handled the other way.
            return Err(Refusal::DirectoryBeingDeleted.into());
        }
        self.end_all_given(tenant, &before, &deletion, &cx.origin)
            .await?;
        if before.directory_type == DirectoryType::Scim {
            self.purge_scim(&before.scope(), &cx.origin).await?;
        }
        self.finish_deletion(cx, &before, memberships, now).await
    }

    /// Marks the directory. From now on no login follows it, and its token does not work.
    async fn start_deletion(
        &self,
        cx: &Context,
        before: &Directory,
        memberships: MembershipsOfDeleted,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let after = Directory {
            status: DirectoryStatus::Paused,
            status_reason: Some(BEING_DELETED.to_owned()),
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        let changed = Transition::Changed(before, &after);
        let event = event(EventType::DirectoryUpdated, changed);
        let mut transaction = self.transaction(&cx.origin, [event])?;
        let change = to_change(&after)?.set(DELETING, text(memberships.as_ref()));
        let key = keys::directory(&before.tenant_id, &before.id);
        transaction.update(DirectoryAction::Directory, &key, change, unchanged(before));
        if before.directory_type == DirectoryType::Scim {
            let access = keys::scim_access(&before.id);
            transaction.delete(DirectoryAction::Access, &access, Condition::none());
        }
        match transaction.commit().await? {
            Ok(()) => Err(Unsettled::Partial),
            Err(unmet) => Err(not_changed(&unmet)),
        }
    }

    /// Goes through the users of the tenant, until all of them are done.
    async fn end_all_given(
        &self,
        tenant: &TenantId,
        directory: &Directory,
        deletion: &DeletionRow,
        origin: &Origin,
    ) -> Result<(), Error> {
        let memberships = deletion.deleting.unwrap_or_default();
        let key = keys::directory(tenant, &directory.id);
        let mut done_to = deletion.done_to.clone();
        loop {
            let (users, next) = self.users_after(tenant, done_to.as_deref()).await?;
            stream::iter(users)
                .map(|user| async move {
                    self.end_given(
                        tenant,
                        &user,
                        memberships,
                        directory.directory_type.source(),
                        origin,
                    )
                    .await
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            let Some(place) = next else {
                return Ok(());
            };
            let change = ItemChange::new().set(DONE_TO, text(place.as_str()));
            let still = in_version(directory.version);
            // Without the mark, another call has finished the deletion.
            self.table.update(&key, change, still).await?;
            done_to = Some(place);
        }
    }

    async fn finish_deletion(
        &self,
        cx: &Context,
        before: &Directory,
        memberships: MembershipsOfDeleted,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let (tenant, id) = (&before.tenant_id, &before.id);
        let removed = Transition::Removed(before);
        let event = event(EventType::DirectoryDeleted, removed).with_change(
            "memberships",
            serde_json::Value::Null,
            memberships.as_ref().into(),
        );
        let mut transaction = self.transaction(&cx.origin, [event])?;
        transaction.delete(
            DirectoryAction::Directory,
            &keys::directory(tenant, id),
            in_version(before.version),
        );
        let own = Condition::new("#directory_id = :own").value(":own", text(id.as_str()));
        transaction.delete(
            DirectoryAction::Only,
            &keys::entra_directory(tenant),
            own.clone(),
        );
        if let Some(entra) = &before.entra {
            let claim = keys::entra_claim(&entra.tenant_id);
            transaction.delete(DirectoryAction::Claim, &claim, own);
        }
        transaction.delete(
            DirectoryAction::Run,
            &keys::run_state(tenant, id),
            Condition::none(),
        );
        let row = DeletedRow {
            memberships,
            expires_at: now.after(REMEMBERED).as_second(),
        };
        let key = keys::deleted_directory(tenant, id);
        let deleted = to_item(&row, [key.attributes(), Item::new()])?;
        transaction.put(DirectoryAction::Deleted, deleted, Condition::none());
        match transaction.commit().await? {
            Ok(()) => Ok(()),
            Err(unmet) => Err(not_changed(&unmet)),
        }
    }

    /// Takes back what a login has just written by a directory that is being deleted, or has been: the login had read
    /// the directory before. `source` is that of what it gives. Makes one read, and more only after a deletion.
    pub async fn end_given_by_deleted(
        &self,
        tenant: &TenantId,
        user: &UserId,
        directory: &DirectoryId,
        source: Source,
        origin: &Origin,
    ) -> Result<(), Error> {
        let keys = [
            keys::directory(tenant, directory),
            keys::deleted_directory(tenant, directory),
        ];
        let mut found = self.table.get_all(&[&keys[0], &keys[1]]).await?;
        let memberships = match (found.remove(&keys[0]), found.remove(&keys[1])) {
            (Some(item), _) => from_item::<DeletionRow>(item)?.deleting,
            (None, Some(item)) => Some(from_item::<DeletedRow>(item)?.memberships),
            (None, None) => Some(MembershipsOfDeleted::Keep),
        };
        match memberships {
            Some(memberships) => {
                self.end_given(tenant, user, memberships, source, origin)
                    .await
            }
            None => Ok(()),
        }
    }

    /// Keeps or removes what the directory gave a user, and ends that they are a tenant admin by it.
    pub(in crate::store) async fn end_given(
        &self,
        tenant: &TenantId,
        user: &UserId,
        memberships: MembershipsOfDeleted,
        source: Source,
        origin: &Origin,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let current = self.current_memberships(tenant, user).await?;
            let mut is_settled = true;
            let profile = current.known.as_ref().map(|known| &known.profile.user);
            let named = profile.map(|profile| profile.named_in(origin.clone()));
            let origin = named.as_ref().unwrap_or(origin);
            if let Some(profile) = profile.filter(|_| current.is_directory_admin) {
                let written = self.set_directory_admin(origin, profile, false).await?;
                is_settled &= written == WriteOutcome::Done;
            }
            let teams = current.teams.values();
            let teams: Vec<_> = teams.filter(|it| it.source == source).collect();
            let left: BTreeSet<_> = teams.iter().map(|team| team.team_id.clone()).collect();
            for team in teams {
                is_settled &= match memberships {
                    MembershipsOfDeleted::Keep => self.keep_team_membership(origin, team).await?,
                    MembershipsOfDeleted::Remove => {
                        self.leave_team(origin, team).await? == WriteOutcome::Done
                    }
                };
            }
            let organizations = current.organizations.values();
            for membership in organizations.filter(|it| it.source == source) {
                let left = match memberships {
                    MembershipsOfDeleted::Keep => Err(Refusal::LastOwner.into()),
                    MembershipsOfDeleted::Remove => {
                        let address = profile.and_then(User::verified_email);
                        self.leave_with_invitation(origin, membership, &current, &left, address)
                            .await
                    }
                };
                is_settled &= match left {
                    Err(Error::Refused(Refusal::LastOwner)) => {
                        self.keep_membership(origin, membership).await?
                    }
                    left => left? == WriteOutcome::Done,
                };
            }
            if is_settled {
                return Ok(());
            }
        }
        Err(table::Error::Conflict("delete_directory").into())
    }

    /// Makes a membership one that was made by hand, on the condition that it is unchanged. Returns whether it did.
    pub async fn keep_membership(
        &self,
        origin: &Origin,
        before: &Membership,
    ) -> Result<bool, Error> {
        let after = Membership {
            source: Source::Manual,
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let changed = Transition::Changed(before, &after);
        let event = EventDraft::membership(EventType::MembershipRoleChanged, changed, None);
        let key = keys::membership(&before.tenant_id, &before.user_id, &before.organization_id);
        let change = by_hand(after.version, after.updated_at)
            .remove(SYNCED_ROLE)
            .remove(MAPPED_FROM);
        let mut transaction = self.transaction(origin, [event])?;
        let condition = members::unchanged(before);
        transaction.update(DirectoryAction::Membership, &key, change, condition);
        Ok(transaction.commit().await?.is_ok())
    }

    async fn keep_team_membership(
        &self,
        origin: &Origin,
        before: &TeamMembership,
    ) -> Result<bool, Error> {
        let after = TeamMembership {
            source: Source::Manual,
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let changed = Transition::Changed(before, &after);
        let event = EventDraft::team_membership(EventType::TeamMembershipUpdated, changed, None);
        let key = keys::team_membership(&before.tenant_id, &before.user_id, &before.team_id);
        let change = by_hand(after.version, after.updated_at);
        let mut transaction = self.transaction(origin, [event])?;
        let condition = team_members::as_read(before);
        transaction.update(DirectoryAction::Membership, &key, change, condition);
        Ok(transaction.commit().await?.is_ok())
    }
}

/// Returns the change that makes a membership one that was made by hand.
fn by_hand(version: u64, updated_at: Timestamp) -> ItemChange {
    ItemChange::new()
        .set("source", text(Source::Manual.as_str()))
        .set("version", number(version))
        .set("updated_at", text(updated_at.to_string()))
        .remove(SUSPENDED_BY)
}

#[cfg(test)]
mod tests;
