//! Disabling and enabling a user. A disabled user keeps their memberships, and none of them grants access: reads of a
//! caller read their profile too, and writes depend on it.

use crate::domain::{
    EventDraft, EventType, ExpectedVersion, TenantId, Transition, User, UserId, UserStatus,
};
use crate::store::access;
use crate::store::rows::users::{
    DIRECTORY_ADMIN, DISABLED_BY, STATUS, from_row, hold_enabled, require_enabled, unchanged,
};
use crate::store::settle::Unsettled;
use crate::store::table::{ItemChange, number, text};
use crate::store::{Context, Error, Refusal, Store, keys};

use super::UserAction;

/// The state of a user that decides the rights in their token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenRights {
    /// Whether the user is disabled.
    pub is_disabled: bool,
    /// Whether a group of the tenant's directory makes them a tenant admin.
    pub is_directory_admin: bool,
}

impl Store {
    /// Disables or enables a user. Requires a tenant admin who is not disabled. A repeated call changes nothing.
    ///
    /// Makes one read, and writes one transaction on the condition that the profile is still in the version read and
    /// the caller is not disabled. The memberships stay as they are.
    pub async fn change_user_status(
        &self,
        cx: &Context,
        user: &UserId,
        status: UserStatus,
        expected: &ExpectedVersion,
    ) -> Result<User, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let key = keys::user(&caller.tenant_id, user);
        let own = keys::user(&caller.tenant_id, &caller.user_id);
        let (key, own) = (&key, &own);
        self.until_settled("change_user_status", |now| async move {
            let found = self.read(&[key, own]).await?;
            require_enabled(found.item(own))?;
            let before = found.item(key).ok_or(Refusal::NotFound)?;
            let is_by_directory = before.contains_key(DISABLED_BY);
            let before = from_row(before)?;
            if before.is_being_erased {
                return Err(Refusal::BeingErased.into());
            }
            expected.require(before.version)?;
            if before.status == status {
                // Disabled by hand, the user stays so when their account is enabled again.
                if is_by_directory && !self.keep_disabled(&before).await? {
                    return Err(Unsettled::Overtaken);
                }
                return Ok(before);
            }
            let after = User {
                status,
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            let event_type = match status {
                UserStatus::Enabled => EventType::UserEnabled,
                UserStatus::Disabled => EventType::UserDisabled,
            };
            let event = EventDraft::user(event_type, Transition::Changed(&before, &after));
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let change = ItemChange::new()
                .set(STATUS, text(status.as_str()))
                .set("version", number(after.version))
                .set("updated_at", text(now.to_string()))
                .remove(DISABLED_BY);
            transaction.update(UserAction::User, key, change, unchanged(&before));
            if *user != caller.user_id {
                // Of the caller's own profile, the version that was read also holds the status.
                hold_enabled(&mut transaction, caller);
            }
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }

    /// Returns what a token says about a user because of their profile. For a trigger, which acts without a caller.
    pub async fn token_rights(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<TokenRights, Error> {
        let profile = self.table.get(&keys::user(tenant, user)).await?;
        let profile = profile.as_ref();
        Ok(TokenRights {
            is_disabled: require_enabled(profile).is_err(),
            is_directory_admin: profile.is_some_and(|it| it.contains_key(DIRECTORY_ADMIN)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;
    use crate::store::samples::{profile_row, request_of_admin, tenant, user};

    #[tokio::test]
    async fn a_user_whom_the_directory_disabled_stays_so_by_hand() {
        let ada = user("ada");
        let key = keys::user(&tenant(), &ada);
        let profile = profile_row("ada", &[(STATUS, "disabled"), (DISABLED_BY, "directory")]);
        let overtaken = Fake::with([profile.clone()]).unmet(key.clone(), None);
        for (fake, writes) in [(Fake::with([profile]), 1), (overtaken, 2)] {
            let (store, cx) = (fake.store(), request_of_admin());
            let (status, any) = (UserStatus::Disabled, ExpectedVersion::ANY);
            let changed = store.change_user_status(&cx, &ada, status, &any);
            assert_eq!(changed.await.unwrap().version, 3);
            assert_eq!(fake.writes().len(), writes);
            let write = fake.last_write_of(&key).unwrap();
            assert_eq!(write.update(), "REMOVE #disabled_by");
        }
    }
}
