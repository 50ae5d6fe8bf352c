//! Writing users of a directory.

use std::collections::BTreeSet;

use super::records::record_gone;
use super::{
    ScimAction, ScimNamespace, ScimWritten, USER_CHANGEABLE, change_lookups, change_name,
    from_user_row, is_overtaken, mark, require_version, still_linked, to_user_row, user_lookups,
};
use crate::domain::{Origin, ScimScope, ScimUser, ScimUserId, Timestamp};
use crate::store::keys;
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Unmet};
use crate::store::{Error, Refusal, Store, in_version, table};

impl Store {
    /// Returns a user of a directory. Makes one read.
    pub async fn scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
    ) -> Result<Option<ScimUser>, Error> {
        let item = self.table.get(&keys::scim_user(scope, id)).await?;
        Ok(item.map(from_user_row).transpose()?)
    }

    /// Creates a user of a directory. Returns [`Refusal::NameTaken`] if another one has the login name.
    ///
    /// Writes one transaction on the conditions that the name is free, and that the directory is not being deleted.
    pub async fn create_scim_user(
        &self,
        scope: &ScimScope,
        user: &ScimUser,
    ) -> Result<ScimUser, Error> {
        let mut transaction = self.unrecorded();
        let row = to_user_row(scope, user)?;
        transaction.put(ScimAction::Resource, row, Condition::absent());
        let (id, names) = (user.id.as_str(), ScimNamespace::of_users(scope));
        change_name(&mut transaction, names, id, None, Some(&user.user_name))?;
        let lookups = user_lookups(scope, user);
        change_lookups(&mut transaction, id, &BTreeSet::new(), &lookups)?;
        match transaction.commit().await? {
            Ok(()) => Ok(user.clone()),
            Err(unmet) => Err(not_created(&unmet, "create_scim_user")),
        }
    }

    /// Changes a user of a directory, as `edit` says. `expected` is the version that the request asks for; a request that
    /// changes nothing may name an older one.
    ///
    /// Writes one transaction on the condition that the user is unchanged since the read, unless `edit` changes nothing.
    pub async fn change_scim_user<E: From<Error> + Send>(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        expected: Option<u64>,
        edit: impl Fn(&ScimUser, Timestamp) -> Result<ScimUser, E> + Sync,
    ) -> Result<ScimWritten<ScimUser>, E> {
        let edit = &edit;
        let settled = self.until_settled("change_scim_user", |now| async move {
            let before = self.scim_user(scope, id).await?;
            let before = before.ok_or(Refusal::NotFound)?;
            let edited = edit(&before, now);
            if is_overtaken(expected, before.version)
                && !matches!(&edited, Ok(edited) if *edited == before)
            {
                return Err(Refusal::VersionMismatch.into());
            }
            let edited = match edited {
                Ok(edited) => edited,
                Err(error) => return Ok(Err(error)),
            };
            self.replace_scim_user(scope, &before, edited, now)
                .await
                .map(Ok)
        });
        settled.await?
    }

    async fn replace_scim_user(
        &self,
        scope: &ScimScope,
        before: &ScimUser,
        edited: ScimUser,
        now: Timestamp,
    ) -> Result<ScimWritten<ScimUser>, Unsettled> {
        if edited == *before {
            // A repeated request follows what the one before it could not.
            let is_left = before.unapplied.is_some();
            return Ok(ScimWritten {
                resource: edited,
                affected: is_left.then(|| before.id.clone()).into_iter().collect(),
                is_finished: true,
            });
        }
        let id = &before.id;
        let mut after = ScimUser {
            version: before.version + 1,
            updated_at: now,
            ..edited
        };
        let mut change = ItemChange::taking(&USER_CHANGEABLE, &to_user_row(scope, &after)?);
        let linked = before.user_id.as_ref();
        let is_affected = linked.is_some() && after.is_active != before.is_active;
        if is_affected {
            let write = self.clock.new_id().to_string();
            change = mark(change, scope, id, &write);
            after.unapplied = Some(write);
        }
        let mut transaction = self.unrecorded();
        transaction.update(
            ScimAction::Resource,
            &keys::scim_user(scope, id),
            change,
            in_version(before.version).and(still_linked(linked)),
        );
        change_name(
            &mut transaction,
            ScimNamespace::of_users(scope),
            id.as_str(),
            Some(&before.user_name),
            Some(&after.user_name),
        )?;
        let (old, new) = (user_lookups(scope, before), user_lookups(scope, &after));
        change_lookups(&mut transaction, id.as_str(), &old, &new)?;
        let Err(unmet) = transaction.commit().await? else {
            return Ok(ScimWritten {
                resource: after,
                affected: is_affected.then(|| id.clone()).into_iter().collect(),
                is_finished: true,
            });
        };
        match unmet.of(&ScimAction::Resource) {
            None if unmet.of(&ScimAction::Name).is_some() => Err(Refusal::NameTaken.into()),
            _ => Err(Unsettled::Overtaken),
        }
    }

    /// Deletes a user of a directory with its memberships, and ends what it gave to the user whom it was linked to.
    /// Returns the user as it was.
    ///
    /// Writes one transaction on the condition that the user is unchanged since the read. It records what is left, which
    /// is done next.
    pub async fn delete_scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        expected: Option<u64>,
        origin: &Origin,
    ) -> Result<ScimWritten<ScimUser>, Error> {
        let deleted = self
            .until_settled("delete_scim_user", |_| async move {
                let before = self.scim_user(scope, id).await?;
                let before = before.ok_or(Refusal::NotFound)?;
                require_version(expected, before.version)?;
                let mut transaction = self.unrecorded();
                let linked = still_linked(before.user_id.as_ref());
                transaction.delete(
                    ScimAction::Resource,
                    &keys::scim_user(scope, id),
                    in_version(before.version).and(linked),
                );
                let (id, names) = (id.as_str(), ScimNamespace::of_users(scope));
                change_name(&mut transaction, names, id, Some(&before.user_name), None)?;
                let lookups = user_lookups(scope, &before);
                change_lookups(&mut transaction, id, &lookups, &BTreeSet::new())?;
                let linked = before.user_id.as_ref();
                let change = self.clock.new_id().to_string();
                record_gone(&mut transaction, scope, id, &change, linked)?;
                match transaction.commit().await? {
                    Ok(()) => Ok(before),
                    Err(_) => Err(Unsettled::Overtaken),
                }
            })
            .await?;
        let written = ScimWritten {
            resource: deleted,
            affected: Vec::new(),
            is_finished: true,
        };
        Ok(self
            .finish_written(scope, written, id.as_str(), origin)
            .await)
    }
}

/// Maps the failed conditions of a creation to a refusal.
pub(super) fn not_created(unmet: &Unmet<ScimAction>, operation: &'static str) -> Error {
    if unmet.of(&ScimAction::Name).is_some() {
        Refusal::NameTaken.into()
    } else if unmet.of(&ScimAction::Count).is_some() {
        // The directory is being deleted, or has been.
        Refusal::NotFound.into()
    } else {
        table::Error::Conflict(operation).into()
    }
}
