//! Accounts of users in a directory: which user has which, and users who are disabled because their account is.

use crate::domain::{
    DirectoryId, EntraObjectId, EventDraft, EventType, Origin, TenantId, Transition, User, UserId,
    UserStatus,
};
use crate::store::keys::{self, GSI3, Key};
use crate::store::rows::known_user::KnownUser;
use crate::store::rows::users::{DISABLED_BY, STATUS, from_row, is_known, unchanged};
use crate::store::table::{Condition, Item, ItemChange, Query, number, text, text_of};
use crate::store::{Error, Store, WriteOutcome, in_version, table};

use super::UserAction;

/// Attribute of the entry of an account: the directory in which a run or a login has seen it.
const SEEN_IN: &str = "seen_in";
/// Number of users that are read from the index at once.
const PAGE: usize = 100;

/// A user, and their account in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAccount {
    /// The user.
    pub user_id: UserId,
    /// The account.
    pub account: EntraObjectId,
    /// The directory in which a run or a login has seen it.
    pub seen_in: Option<DirectoryId>,
}

impl Store {
    /// Returns up to 100 users of the tenant after a place, and the place after which more follow. Makes one `Query`.
    pub(in crate::store) async fn users_after(
        &self,
        tenant: &TenantId,
        place: Option<&str>,
    ) -> Result<(Vec<UserId>, Option<String>), Error> {
        let partition = keys::users_partition(tenant);
        let after = place.and_then(|place| {
            let user = keys::person_at(place)?;
            let mut key = keys::user(tenant, &user).attributes();
            key.extend(Key::new(partition.clone(), place).attributes_of(GSI3));
            Some(key)
        });
        let page = self
            .table
            .query(
                Query::in_partition(Some(GSI3), partition.clone(), "")
                    .after(after)
                    .limit(PAGE),
            )
            .await?;
        let users = page.items.iter().map(user_of);
        Ok((users.collect::<Result<_, _>>()?, page.next))
    }

    /// Returns those of up to 100 users of the tenant after a place who have an account, and the place after which
    /// more follow. Makes one `Query`, and then reads as [`accounts_of`](Self::accounts_of).
    pub async fn users_with_accounts(
        &self,
        tenant: &TenantId,
        place: Option<&str>,
    ) -> Result<(Vec<UserAccount>, Option<String>), Error> {
        let (users, next) = self.users_after(tenant, place).await?;
        Ok((self.accounts_of(tenant, &users).await?, next))
    }

    /// Returns those of up to 100 users who have an account, in the same order. Makes two `BatchGetItem`s.
    pub async fn accounts_of(
        &self,
        tenant: &TenantId,
        users: &[UserId],
    ) -> Result<Vec<UserAccount>, Error> {
        let profiles = users.iter().map(|user| keys::user(tenant, user));
        let entries = users.iter().map(|user| keys::account_entry(tenant, user));
        let keys: Vec<_> = profiles.zip(entries).collect();
        let both: Vec<_> = keys.iter().flat_map(|(one, other)| [one, other]).collect();
        let found = self.table.get_all(&both).await?;
        // In the order of the index, which a run that stops continues.
        let known = keys
            .iter()
            .filter_map(|(profile, entry)| Some((found.get(profile)?, found.get(entry))));
        let mut accounts = Vec::new();
        for (profile, entry) in known {
            let user = from_row(profile)?;
            let Some(account) = user.entra_object_id else {
                continue;
            };
            accounts.push(UserAccount {
                user_id: user.user_id,
                account,
                seen_in: entry.and_then(seen_in),
            });
        }
        Ok(accounts)
    }

    /// Records that the account of a user was seen in a directory, and lists the user by it, whom an earlier release has
    /// not listed.
    ///
    /// Writes one transaction on the condition that the user is known and has this account. Does nothing otherwise.
    pub async fn see_account(
        &self,
        tenant: &TenantId,
        user: &UserId,
        account: &EntraObjectId,
        directory: &DirectoryId,
    ) -> Result<(), Error> {
        let mut transaction = self.unrecorded();
        let still = is_known().and(Condition::new("#entra_object_id = :account"));
        let still = still.value(":account", text(account.as_str()));
        transaction.check(UserAction::User, &keys::user(tenant, user), still);
        let entry = listed(tenant, user, account).set(SEEN_IN, text(directory.as_str()));
        let key = keys::account_entry(tenant, user);
        transaction.touch(UserAction::Account, &key, entry, Condition::none());
        // The profile has changed: the next run sees it again.
        let _ = transaction.commit().await?;
        Ok(())
    }

    /// Returns the users who sign in with an account: one, or several of different user pools. Makes one `Query` of an
    /// index.
    pub async fn users_of_account(
        &self,
        tenant: &TenantId,
        account: &EntraObjectId,
    ) -> Result<Vec<UserId>, Error> {
        let partition = keys::users_of_account(tenant, account);
        let page = self
            .table
            .query(Query::in_partition(Some(GSI3), partition, "").limit(PAGE))
            .await?;
        page.items.iter().map(user_of).collect()
    }

    /// Disables a user because their account in the directory is disabled or deleted, or enables them again, unless it
    /// was a tenant admin who disabled them. The memberships stay as they are.
    ///
    /// Writes one transaction on the condition that the profile is in the version that was read.
    pub async fn follow_account(
        &self,
        origin: &Origin,
        known: &KnownUser,
        is_enabled: bool,
    ) -> Result<WriteOutcome, Error> {
        let before = &known.profile.user;
        let is_right = match before.status {
            UserStatus::Enabled => is_enabled,
            UserStatus::Disabled => !is_enabled || !known.is_disabled_by_directory,
        };
        if is_right || before.is_being_erased {
            return Ok(WriteOutcome::Unchanged);
        }
        let (status, event_type) = if is_enabled {
            (UserStatus::Enabled, EventType::UserEnabled)
        } else {
            (UserStatus::Disabled, EventType::UserDisabled)
        };
        let after = User {
            status,
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let event = EventDraft::user(event_type, Transition::Changed(before, &after));
        let mut transaction = self.transaction(origin, [event])?;
        let change = ItemChange::new()
            .set(STATUS, text(status.as_str()))
            .set("version", number(after.version))
            .set("updated_at", text(after.updated_at.to_string()));
        let change = if is_enabled {
            change.remove(DISABLED_BY)
        } else {
            change.set(DISABLED_BY, text("directory"))
        };
        let key = keys::user(&before.tenant_id, &before.user_id);
        transaction.update(UserAction::User, &key, change, unchanged(before));
        Ok(WriteOutcome::from(transaction.commit().await?.is_ok()))
    }

    /// Removes the mark that the directory has disabled a user, whom a tenant admin disables too. On the condition that
    /// the profile is in the version that was read.
    pub(super) async fn keep_disabled(&self, user: &User) -> Result<bool, table::Error> {
        let key = keys::user(&user.tenant_id, &user.user_id);
        let change = ItemChange::new().remove(DISABLED_BY);
        self.table
            .update(&key, change, in_version(user.version))
            .await
    }
}

/// Returns the directory in which the account of an entry was seen.
pub(in crate::store) fn seen_in(entry: &Item) -> Option<DirectoryId> {
    let id = entry.get(SEEN_IN)?.as_s().ok()?;
    DirectoryId::parse(id.clone()).ok()
}

/// Returns the change that lists a user by their account, which no directory has seen yet.
pub(super) fn account_entry(user: &User) -> ItemChange {
    let change = match &user.entra_object_id {
        Some(account) => listed(&user.tenant_id, &user.user_id, account),
        None => ItemChange::new().remove("gsi3pk").remove("gsi3sk"),
    };
    change.remove(SEEN_IN)
}

fn listed(tenant: &TenantId, user: &UserId, account: &EntraObjectId) -> ItemChange {
    ItemChange::new()
        .set("tenant_id", text(tenant.as_str()))
        .set("user_id", text(user.as_str()))
        .set("gsi3pk", text(keys::users_of_account(tenant, account)))
        .set("gsi3sk", text(keys::person_place("", user)))
}

/// Returns the user of an entry of the index.
fn user_of(entry: &Item) -> Result<UserId, Error> {
    let user = keys::person_at(text_of(entry, "gsi3sk")?);
    Ok(user.ok_or_else(|| table::Error::defect("an entry without a user"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;
    use crate::store::samples::{now, profile_row, request_of_admin, tenant, user};

    #[tokio::test]
    async fn a_user_follows_their_account_unless_disabled_by_hand() {
        let by_directory = [("status", "disabled"), (DISABLED_BY, "directory")];
        let key = keys::user(&tenant(), &user("ada"));
        for (attributes, is_enabled, status) in [
            (&[("status", "enabled")][..], true, None),
            (&[("status", "enabled")], false, Some("disabled")),
            (&by_directory, false, None),
            (&by_directory, true, Some("enabled")),
            (&by_directory[..1], true, None),
            (&[("status", "erasing")], false, None),
        ] {
            let fake = Fake::default();
            let (store, origin) = (fake.store(), request_of_admin().origin);
            let known = KnownUser::read(profile_row("ada", attributes)).unwrap();
            let followed = store.follow_account(&origin, &known, is_enabled).await;
            let is_changed = followed.unwrap() == WriteOutcome::Done;
            assert_eq!(is_changed, status.is_some(), "{attributes:?} {is_enabled}");
            let Some(write) = fake.last_write_of(&key) else {
                assert_eq!(status, None);
                continue;
            };
            assert_eq!(write.value("status"), status);
            assert_eq!(write.value("version"), Some("4"));
            assert_eq!(write.value("updated_at"), Some(&*now().to_string()));
        }
    }
}
