//! The login itself: the profile of the user who signs in, and the marks of what has been created.

use crate::store::rows::known_user::{KnownUser, MADE, joined_by_domain_in, mark_in, scim_link_in};
use crate::store::rows::names::NamesLag;
use crate::store::rows::users::{self, DIRECTORY_ADMIN, DISABLED_BY, Stored};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Updated, number, text};
use crate::store::{Error, Refusal, Store, WriteOutcome, in_version, keys, table};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{CurrentMemberships, SyncAction, made};
use crate::domain::{
    Email, EntraObjectId, EventDraft, EventType, Name, Origin, TenantId, Timestamp, Transition,
    User, UserId,
};
use crate::store::users::Profile;

impl Store {
    /// Creates or updates the profile of the user who signs in, with the login time.
    ///
    /// Makes one `UpdateItem` on the condition that the profile is as the event describes it. Otherwise a transaction
    /// creates or changes the profile, on the condition that it is as the first write found it. Refuses a user who is
    /// being erased.
    pub async fn record_login(&self, login: &Profile) -> Result<KnownUser, Error> {
        let key = keys::user(&login.tenant_id, &login.user_id);
        let (key, origin) = (&key, &login.user_origin());
        self.until_settled("record_login", |now| async move {
            let stamp = ItemChange::new()
                .set("updated_at", text(now.to_string()))
                .set("last_login_at", text(now.to_string()))
                .add("version", 1);
            let stamped =
                self.table
                    .update_and_return(key, stamp, as_described(login), ReturnValue::AllNew);
            let found = match stamped.await? {
                Updated::Done(Some(item)) => {
                    return Ok(KnownUser::read(item)?);
                }
                Updated::Done(None) => {
                    return Err(table::Error::defect("no item in the answer").into());
                }
                Updated::Unmet(found) => found,
            };
            let is_disabled_by_directory = found
                .as_ref()
                .is_some_and(|it| it.contains_key(DISABLED_BY));
            let scim_link = found.as_ref().and_then(scim_link_in);
            let mark = found.as_ref().and_then(mark_in);
            let joined_by_domain = found.as_ref().and_then(joined_by_domain_in);
            let before = found.map(Stored::read).transpose()?;
            let before = before.as_ref();
            if before.is_some_and(|before| before.user.is_being_erased) {
                return Err(Refusal::BeingErased.into());
            }
            let after = signed_in(before.map(|it| &it.user), login, now);
            let changed = before.map(|it| (&it.user, it.lag));
            match self.write_profile(origin, changed, &after).await? {
                Ok(lag) => Ok(KnownUser {
                    mark,
                    joined_by_domain,
                    scim_link,
                    is_disabled_by_directory,
                    profile: Stored { user: after, lag },
                }),
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }

    /// Copies the name and email address of the user who signed in onto their memberships, unless they have them. Reads
    /// the memberships after a change of either, or when they have not been read. With nothing to do, makes no call.
    pub async fn refresh_names_at_login(
        &self,
        login: &KnownUser,
        current: Option<&CurrentMemberships>,
    ) -> Result<(), Error> {
        let Stored { user, lag } = &login.profile;
        self.refresh_names(user, *lag).await?;
        match current {
            Some(current) if *lag == NamesLag::None => {
                let (memberships, copies) = (&current.organizations, &current.copies);
                self.copy_names_to(user, memberships, copies).await
            }
            _ => Ok(()),
        }
    }

    /// Makes the user a tenant admin by a group of the directory, or ends that. Their next token says so.
    pub async fn set_directory_admin_at_login(
        &self,
        origin: &Origin,
        login: &KnownUser,
        is_admin: bool,
    ) -> Result<WriteOutcome, Error> {
        self.set_directory_admin(origin, &login.profile.user, is_admin)
            .await
    }

    /// Makes a user a tenant admin by a group of the directory, or ends that, on the condition that the profile is in
    /// the version that was read. Their next token says so.
    pub(in crate::store) async fn set_directory_admin(
        &self,
        origin: &Origin,
        user: &User,
        is_admin: bool,
    ) -> Result<WriteOutcome, Error> {
        let after = User {
            version: user.version + 1,
            updated_at: self.clock.now(),
            ..user.clone()
        };
        let event = EventDraft::user(EventType::UserUpdated, Transition::Changed(user, &after))
            .with_change("tenant_admin", (!is_admin).into(), is_admin.into());
        let mut transaction = self.transaction(origin, [event])?;
        let change = ItemChange::new()
            .set("version", number(after.version))
            .set("updated_at", text(after.updated_at.to_string()));
        let change = if is_admin {
            change.set(DIRECTORY_ADMIN, AttributeValue::Bool(true))
        } else {
            change.remove(DIRECTORY_ADMIN)
        };
        let key = keys::user(&user.tenant_id, &user.user_id);
        let condition = users::is_known().and(in_version(user.version));
        transaction.update(SyncAction::User, &key, change, condition);
        Ok(made(transaction.commit().await?))
    }

    /// Marks that everything has been created, for the user if given, otherwise for the tenant. Returns whether it did:
    /// not for a user who is not known or is being erased.
    pub async fn mark_provisioned(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        fingerprint: &str,
    ) -> Result<bool, Error> {
        let key = match user {
            Some(user) => keys::user(tenant, user),
            None => keys::provisioned_fingerprint(tenant),
        };
        let condition = if user.is_some() {
            users::is_known()
        } else {
            Condition::none()
        };
        let change = ItemChange::new().set(MADE, text(fingerprint));
        Ok(self.table.update(&key, change, condition).await?)
    }
}

/// Returns the condition that the profile exists, as the event describes it.
fn as_described(login: &Profile) -> Condition {
    let fields = [
        ("email", login.email.as_ref().map(Email::as_str)),
        (
            "display_name",
            login.display_name.as_ref().map(Name::as_str),
        ),
        (
            "entra_object_id",
            login.entra_object_id.as_ref().map(EntraObjectId::as_str),
        ),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let described = fields.fold(users::is_known(), |condition, (name, value)| {
        let is_equal = Condition::new(format!("#{name} = :login_{name}"));
        condition.and(is_equal.value(&format!(":login_{name}"), text(value)))
    });
    if login.email.is_none() {
        return described;
    }
    let verified = users::EMAIL_VERIFIED;
    described.and(if login.email_verified {
        Condition::new(format!("#{verified} = :login_true"))
            .value(":login_true", AttributeValue::Bool(true))
    } else {
        Condition::new(format!("attribute_not_exists(#{verified})"))
    })
}

/// Returns the profile after a login.
fn signed_in(before: Option<&User>, login: &Profile, now: Timestamp) -> User {
    let new = || User {
        version: 0,
        ..User::new(login.tenant_id.clone(), login.user_id.clone(), now)
    };
    let before = before.cloned().unwrap_or_else(new);
    let email_verified = match &login.email {
        Some(_) => login.email_verified,
        None => before.email_verified,
    };
    User {
        email: login.email.clone().or(before.email),
        email_verified,
        display_name: login.display_name.clone().or(before.display_name),
        entra_object_id: login.entra_object_id.clone().or(before.entra_object_id),
        last_login_at: Some(now),
        version: before.version + 1,
        updated_at: now,
        ..before
    }
}

#[cfg(test)]
mod tests;
