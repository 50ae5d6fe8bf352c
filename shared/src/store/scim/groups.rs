//! Writing groups of a directory.

use std::collections::BTreeSet;

use super::members::{Known, count_after};
use super::records::{record_change, record_gone};
use super::step::MemberStep;
use super::users::not_created;
use super::{
    GROUP_CHANGEABLE, PENDING, ScimAction, ScimNamespace, ScimWritten, change_lookups, change_name,
    from_group_row, group_lookups, is_overtaken, require_version, to_group_row, unchanged_group,
};
use crate::domain::{
    GroupId, Origin, ScimGroup, ScimMembersChange, ScimScope, ScimUserId, Timestamp,
};
use crate::store::keys;
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, text};
use crate::store::{Error, Refusal, Store, table};

/// Number of members that one transaction changes together with their group: three actions for each.
const MEMBERS_AT_ONCE: usize = 30;

impl Store {
    /// Returns a group of a directory, without its members. Makes one read.
    pub async fn scim_group(
        &self,
        scope: &ScimScope,
        id: &GroupId,
    ) -> Result<Option<ScimGroup>, Error> {
        let item = self.table.get(&keys::scim_group(scope, id)).await?;
        Ok(item.map(from_group_row).transpose()?)
    }

    /// Creates a group of a directory with its members, by their ids. Returns [`Refusal::NameTaken`] if another one has
    /// the name, and [`Refusal::LimitReached`] if it would have too many members.
    ///
    /// Writes one transaction on the conditions that the name is free, that the members exist, and that the directory
    /// is not being deleted.
    pub async fn create_scim_group(
        &self,
        scope: &ScimScope,
        group: &ScimGroup,
        members: &BTreeSet<String>,
        origin: &Origin,
    ) -> Result<ScimWritten<ScimGroup>, Error> {
        let written = self
            .until_settled("create_scim_group", |_| async move {
                let add = ScimMembersChange::Some {
                    add: members.clone(),
                    remove: BTreeSet::new(),
                };
                let (steps, known) = self.member_steps(scope, group, &add).await?;
                let created = ScimGroup {
                    member_count: count_after(0, &steps)?,
                    ..group.clone()
                };
                let mut row = to_group_row(scope, &created)?;
                if is_recorded(&steps) {
                    row.insert(PENDING.to_owned(), text("members"));
                }
                let mut transaction = self.unrecorded();
                transaction.put(ScimAction::Resource, row, Condition::absent());
                let (id, names) = (group.id.as_str(), ScimNamespace::of_groups(scope));
                change_name(&mut transaction, names, id, None, Some(&group.name_key))?;
                let lookups = group_lookups(scope, group);
                change_lookups(&mut transaction, id, &BTreeSet::new(), &lookups)?;
                let affected =
                    self.add_steps(&mut transaction, scope, &group.id, &steps, &known)?;
                match transaction.commit().await? {
                    Ok(()) => Ok(ScimWritten {
                        resource: created,
                        affected,
                        is_finished: true,
                    }),
                    Err(unmet) if unmet.of(&ScimAction::Member).is_some() => {
                        Err(Unsettled::Overtaken)
                    }
                    Err(unmet) => Err(not_created(&unmet, "create_scim_group").into()),
                }
            })
            .await?;
        Ok(self
            .finish_written(scope, written, group.id.as_str(), origin)
            .await)
    }

    /// Changes a group of a directory and its members, as `edit` says. `expected` is the version that the request asks
    /// for; a request that changes nothing may name an older one.
    ///
    /// Writes one transaction on the condition that the group is unchanged since the read, and that new members exist,
    /// unless `edit` changes nothing. Reads only the members that the change names, unless it replaces all.
    pub async fn change_scim_group<E: From<Error> + Send>(
        &self,
        scope: &ScimScope,
        id: &GroupId,
        expected: Option<u64>,
        origin: &Origin,
        edit: impl Fn(&ScimGroup) -> Result<(ScimGroup, ScimMembersChange), E> + Sync,
    ) -> Result<ScimWritten<ScimGroup>, E> {
        let earlier = self.finish_change_of(scope, id.as_str(), origin).await?;
        let edit = &edit;
        let settled = self.until_settled("change_scim_group", |now| async move {
            let before = self.scim_group(scope, id).await?;
            let before = before.ok_or(Refusal::NotFound)?;
            let (edited, members) = match edit(&before) {
                Ok(edited) => edited,
                Err(_) if is_overtaken(expected, before.version) => {
                    return Err(Refusal::VersionMismatch.into());
                }
                Err(error) => return Ok(Err(error)),
            };
            self.replace_scim_group(scope, &before, edited, &members, expected, now)
                .await
                .map(Ok)
        });
        let mut written = settled.await??;
        written.affected.extend(earlier);
        Ok(self
            .finish_written(scope, written, id.as_str(), origin)
            .await)
    }

    async fn replace_scim_group(
        &self,
        scope: &ScimScope,
        before: &ScimGroup,
        edited: ScimGroup,
        members: &ScimMembersChange,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<ScimWritten<ScimGroup>, Unsettled> {
        let (steps, known) = match self.member_steps(scope, before, members).await {
            Err(Error::Refused(_)) if is_overtaken(expected, before.version) => {
                return Err(Refusal::VersionMismatch.into());
            }
            steps => steps?,
        };
        if steps.is_empty() && edited == *before {
            return Ok(ScimWritten {
                resource: edited,
                affected: Vec::new(),
                is_finished: true,
            });
        }
        require_version(expected, before.version)?;
        let after = ScimGroup {
            member_count: count_after(before.member_count, &steps)?,
            version: before.version + 1,
            updated_at: now,
            ..edited
        };
        let id = &before.id;
        // The name may decide what a group gives.
        let renamed = after.name != before.name && after.member_count > 0;
        let mut change = ItemChange::taking(&GROUP_CHANGEABLE, &to_group_row(scope, &after)?);
        if renamed || is_recorded(&steps) {
            change = change.set(PENDING, text("members"));
        }
        let mut transaction = self.unrecorded();
        transaction.update(
            ScimAction::Resource,
            &keys::scim_group(scope, id),
            change,
            unchanged_group(before.version),
        );
        change_name(
            &mut transaction,
            ScimNamespace::of_groups(scope),
            id.as_str(),
            Some(&before.name_key),
            Some(&after.name_key),
        )?;
        let (old, new) = (group_lookups(scope, before), group_lookups(scope, &after));
        change_lookups(&mut transaction, id.as_str(), &old, &new)?;
        let affected = if renamed {
            let change = self.clock.new_id().to_string();
            record_change(&mut transaction, scope, id, &change, &steps, renamed)?;
            Vec::new()
        } else {
            self.add_steps(&mut transaction, scope, id, &steps, &known)?
        };
        let Err(unmet) = transaction.commit().await? else {
            return Ok(ScimWritten {
                resource: after,
                affected,
                is_finished: true,
            });
        };
        if unmet.of(&ScimAction::Resource).is_some() {
            return Err(Unsettled::Overtaken);
        }
        if unmet.of(&ScimAction::Name).is_some() {
            return Err(Refusal::NameTaken.into());
        }
        Err(Unsettled::Overtaken)
    }

    /// Adds the steps to the transaction of their group, or records them if they are too many. Returns the linked users
    /// that it marks.
    fn add_steps(
        &self,
        transaction: &mut Transaction<'_, ScimAction>,
        scope: &ScimScope,
        group: &GroupId,
        steps: &[MemberStep],
        known: &Known,
    ) -> Result<Vec<ScimUserId>, table::Error> {
        if is_recorded(steps) {
            let change = self.clock.new_id().to_string();
            record_change(transaction, scope, group, &change, steps, false)?;
            return Ok(Vec::new());
        }
        let write = self.clock.new_id().to_string();
        known.apply(transaction, scope, group, steps, &write)?;
        Ok(known.linked(steps).cloned().collect())
    }

    /// Carries out what a write recorded. If time or the table fails, a run does.
    pub(super) async fn finish_written<T>(
        &self,
        scope: &ScimScope,
        mut written: ScimWritten<T>,
        id: &str,
        origin: &Origin,
    ) -> ScimWritten<T> {
        match self.finish_change_of(scope, id, origin).await {
            Ok(affected) => written.affected.extend(affected),
            Err(_) => written.is_finished = false,
        }
        written
    }

    /// Deletes a group of a directory with its memberships. Returns it as it was, with the linked users among its
    /// members.
    ///
    /// Writes one transaction on the condition that the group is unchanged since the read. It records that memberships
    /// are left, which are removed next.
    pub async fn delete_scim_group(
        &self,
        scope: &ScimScope,
        id: &GroupId,
        expected: Option<u64>,
        origin: &Origin,
    ) -> Result<ScimWritten<ScimGroup>, Error> {
        let earlier = self.finish_change_of(scope, id.as_str(), origin).await?;
        let deleted = self
            .until_settled("delete_scim_group", |_| async move {
                let before = self.scim_group(scope, id).await?;
                let before = before.ok_or(Refusal::NotFound)?;
                require_version(expected, before.version)?;
                let mut transaction = self.unrecorded();
                transaction.delete(
                    ScimAction::Resource,
                    &keys::scim_group(scope, id),
                    unchanged_group(before.version),
                );
                let (id, names) = (id.as_str(), ScimNamespace::of_groups(scope));
                change_name(&mut transaction, names, id, Some(&before.name_key), None)?;
                let lookups = group_lookups(scope, &before);
                change_lookups(&mut transaction, id, &lookups, &BTreeSet::new())?;
                let change = self.clock.new_id().to_string();
                record_gone(&mut transaction, scope, id, &change, None)?;
                if transaction.commit().await?.is_ok() {
                    return Ok(before);
                }
                Err(Unsettled::Overtaken)
            })
            .await?;
        let written = ScimWritten {
            resource: deleted,
            affected: Vec::new(),
            is_finished: true,
        };
        let mut written = self
            .finish_written(scope, written, id.as_str(), origin)
            .await;
        written.affected.extend(earlier);
        Ok(written)
    }
}

/// Returns whether there are more steps than one transaction holds.
fn is_recorded(steps: &[MemberStep]) -> bool {
    steps.len() > MEMBERS_AT_ONCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ScimMember;

    #[test]
    fn thirty_members_fit_into_the_transaction_of_their_group() {
        let step = || MemberStep::Add(ScimMember::User(uuid::Uuid::nil().into()));
        let steps: Vec<_> = std::iter::repeat_with(step).take(31).collect();
        assert!(!is_recorded(&steps[..30]));
        assert!(is_recorded(&steps));
    }
}
