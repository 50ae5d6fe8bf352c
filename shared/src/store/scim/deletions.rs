//! Ends the memberships of a deleted user or group: its own in groups, and those of its members.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::members::{GroupOfRow, from_member_row};
use super::records::steps_key;
use super::step::MemberStep;
use super::{PENDING, ScimAction};
use crate::domain::{GroupId, ScimMember, ScimScope, ScimUserId, Timestamp};
use crate::store::keys::{self, SCIM_GROUP_PREFIX, SCIM_MEMBER_PREFIX};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, from_item, text};
use crate::store::{Error, Store};

/// Number of memberships that are read at once.
const PAGE: usize = 32;
/// Number of memberships that are handled at the same time.
const AT_ONCE: usize = 8;

impl Store {
    /// Ends the memberships of a user or group that was deleted, in groups and of members. Returns the linked users
    /// among the members of a deleted group. Can be repeated.
    pub(super) async fn end_memberships(
        &self,
        scope: &ScimScope,
        id: &str,
    ) -> Result<Vec<ScimUserId>, Error> {
        loop {
            let partition = keys::scim_groups_partition(scope, id);
            let groups = self.some(partition, SCIM_GROUP_PREFIX).await?;
            if groups.is_empty() {
                break;
            }
            stream::iter(groups)
                .map(|item| async move {
                    let row: GroupOfRow = from_item(item)?;
                    let left = self.until_settled("leave_scim_group", |now| {
                        self.leave_group(scope, id, &row.group_id, now)
                    });
                    left.await
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        let mut affected = Vec::new();
        if let Ok(group) = GroupId::parse(id) {
            loop {
                let partition = keys::scim_members_partition(scope, &group);
                let members = self.some(partition, SCIM_MEMBER_PREFIX).await?;
                if members.is_empty() {
                    break;
                }
                let members = members.into_iter().map(from_member_row);
                let members: Vec<_> = members.collect::<Result<_, _>>()?;
                let marked = self.until_settled("empty_scim_group", |_| {
                    self.drop_members(scope, &group, &members)
                });
                affected.extend(marked.await?);
            }
        }
        if let Ok(group) = GroupId::parse(id) {
            let steps = steps_key(scope, &group);
            self.table.delete(&steps, Condition::none()).await?;
        }
        Ok(affected)
    }

    /// Takes a deleted member out of a group that exists.
    async fn leave_group(
        &self,
        scope: &ScimScope,
        id: &str,
        group: &GroupId,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let mut transaction = self.unrecorded();
        let key = keys::scim_member(scope, group, id);
        transaction.delete(ScimAction::Member, &key, Condition::present());
        let reverse = keys::scim_group_of(scope, id, group);
        transaction.delete(ScimAction::Lookup, &reverse, Condition::none());
        let change = ItemChange::new()
            .add("member_count", -1)
            .add("version", 1)
            .set("updated_at", text(now.to_string()));
        let settled =
            Condition::present().and(Condition::new(format!("attribute_not_exists(#{PENDING})")));
        let group_key = keys::scim_group(scope, group);
        transaction.update(ScimAction::Resource, &group_key, change, settled);
        let Err(unmet) = transaction.commit().await? else {
            return Ok(());
        };
        let is_group_pending = matches!(unmet.of(&ScimAction::Resource), Some(Some(_)));
        if is_group_pending {
            self.carry_out(scope, group).await?;
            return Err(Unsettled::Overtaken);
        }
        // The group is deleted too, or another request has taken the member out.
        let is_group_gone = unmet.of(&ScimAction::Resource).is_some();
        if is_group_gone {
            self.table.delete(&key, Condition::none()).await?;
        }
        self.table.delete(&reverse, Condition::none()).await?;
        Ok(())
    }

    /// Takes members out of a deleted group. Returns those that are linked.
    async fn drop_members(
        &self,
        scope: &ScimScope,
        group: &GroupId,
        members: &[ScimMember],
    ) -> Result<Vec<ScimUserId>, Unsettled> {
        let steps: Vec<_> = members.iter().cloned().map(MemberStep::Remove).collect();
        let known = self.known_members(scope, members.iter()).await?;
        let write = self.clock.new_id().to_string();
        let mut transaction = self.unrecorded();
        known.apply(&mut transaction, scope, group, &steps, &write)?;
        match transaction.commit().await? {
            Ok(()) => Ok(known.linked(&steps).cloned().collect()),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Reads the next items of a partition.
    async fn some(&self, partition: String, prefix: &str) -> Result<Vec<Item>, Error> {
        self.page(partition, prefix, None, PAGE).await
    }
}
