//! Users: their rows and operations.

pub(super) mod accounts;
mod addresses;
mod erase;
mod list;
pub(super) mod names;
mod status;

pub use accounts::UserAccount;
pub(super) use addresses::verified_address;
pub(super) use erase::is_known;
pub use list::UserFilter;
pub use status::TokenRights;
pub(super) use status::{hold_enabled, is_enabled, require_enabled};

use crate::store::settle::Unsettled;
use crate::store::table::{Change, Condition, Item, from_item, number, text};
use crate::store::{Context, Error, Refusal, in_version, table};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use self::names::NamesLag;
use super::Store;
use super::keys;
use crate::domain::{
    Caller, Email, EntraObjectId, EventDraft, EventType, ExpectedVersion, Name, Origin, TenantId,
    Timestamp, Transition, User, UserId, UserPatch, UserStatus,
};

/// Result of registering a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// The current user.
    pub user: User,
    /// Whether the user was not known before.
    pub is_new: bool,
}

/// Attribute of a profile whose email address is verified. Otherwise absent.
pub(super) const EMAIL_VERIFIED: &str = "email_verified";

#[derive(Serialize, Deserialize)]
struct UserRow {
    tenant_id: TenantId,
    user_id: UserId,
    email: Option<Email>,
    /// Absent in rows of the last release, and for an address that is not verified.
    #[serde(default)]
    email_verified: bool,
    display_name: Option<Name>,
    entra_object_id: Option<EntraObjectId>,
    /// Absent until a user is disabled for the first time.
    #[serde(default)]
    status: StoredStatus,
    last_login_at: Option<Timestamp>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The status in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredStatus {
    #[default]
    Enabled,
    Disabled,
    /// Is being erased, and counts as disabled.
    Erasing,
}

pub(super) fn from_row(item: Item) -> Result<User, table::Error> {
    let row: UserRow = from_item(item)?;
    Ok(User {
        tenant_id: row.tenant_id,
        user_id: row.user_id,
        email: row.email,
        email_verified: row.email_verified,
        display_name: row.display_name,
        entra_object_id: row.entra_object_id,
        status: match row.status {
            StoredStatus::Enabled => UserStatus::Enabled,
            StoredStatus::Disabled | StoredStatus::Erasing => UserStatus::Disabled,
        },
        is_being_erased: row.status == StoredStatus::Erasing,
        last_login_at: row.last_login_at,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// Returns the profile of a caller who is not known in their tenant yet.
pub(super) fn known(caller: &Caller, now: Timestamp) -> User {
    User {
        tenant_id: caller.tenant_id.clone(),
        user_id: caller.user_id.clone(),
        email: None,
        email_verified: false,
        display_name: None,
        entra_object_id: None,
        status: UserStatus::Enabled,
        is_being_erased: false,
        last_login_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Returns the change that writes all attributes of a profile.
pub(super) fn new_profile(user: &User) -> Change {
    names::in_index(profile(user), user)
        .set("tenant_id", text(user.tenant_id.as_str()))
        .set("user_id", text(user.user_id.as_str()))
        .set("created_at", text(user.created_at.to_string()))
}

/// Returns the change that writes the attributes of a profile that can change, but not the status.
pub(super) fn profile(user: &User) -> Change {
    let mut change = Change::new()
        .set("version", number(user.version))
        .set("updated_at", text(user.updated_at.to_string()));
    let last_login_at = user.last_login_at.map(|at| at.to_string());
    let (email, name) = (user.email.clone(), user.display_name.clone());
    let fields: [(&str, Option<String>); 4] = [
        ("email", email.map(Into::into)),
        ("display_name", name.map(Into::into)),
        (
            "entra_object_id",
            user.entra_object_id.clone().map(Into::into),
        ),
        ("last_login_at", last_login_at),
    ];
    for (attribute, value) in fields {
        change = match value {
            Some(value) => change.set(attribute, text(value)),
            None => change.remove(attribute),
        };
    }
    change = if user.email_verified {
        change.set(EMAIL_VERIFIED, AttributeValue::Bool(true))
    } else {
        change.remove(EMAIL_VERIFIED)
    };
    match &user.email {
        None => change.remove("gsi1pk").remove("gsi1sk"),
        Some(email) => {
            let key = keys::user_by_email(&user.tenant_id, email, &user.user_id);
            change
                .set("gsi1pk", text(key.pk))
                .set("gsi1sk", text(key.sk))
        }
    }
}

impl Store {
    /// Returns a user of the tenant. Requires the user themselves or a tenant admin.
    pub async fn user(&self, cx: &Context, user: &UserId) -> Result<User, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let item = self.table.get(&keys::user(&caller.tenant_id, user)).await?;
        Ok(from_row(item.ok_or(Refusal::NotFound)?)?)
    }

    /// Requires the user themselves or a tenant admin. Returns not found if the user is not known in the
    /// caller's tenant.
    pub(super) async fn require_self_or_tenant_admin(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<(), Error> {
        if caller.tenant_admin || caller.user_id == *user {
            return Ok(());
        }
        match self.table.get(&keys::user(&caller.tenant_id, user)).await? {
            Some(_) => Err(Refusal::Forbidden.into()),
            None => Err(Refusal::NotFound.into()),
        }
    }

    /// Registers a user, or changes a known one. Requires a tenant admin. A repeated call changes nothing.
    ///
    /// Writes one transaction on the condition that the user is not known. If the user is known, a second one changes
    /// the profile on the condition that it is still in the version that the first one found. With `If-Match`, the
    /// user must be known, so the profile is read instead.
    ///
    /// Then copies a new name or email address onto the user's memberships: one `Query`, and one `UpdateItem` each. A
    /// repeated call finishes what an earlier one left.
    pub async fn register_user(
        &self,
        cx: &Context,
        user: &UserId,
        patch: &UserPatch,
        expected: &ExpectedVersion,
    ) -> Result<Registered, Error> {
        let caller = &cx.caller;
        if !caller.tenant_admin {
            return Err(Refusal::Forbidden.into());
        }
        let key = keys::user(&caller.tenant_id, user);
        let key = &key;
        self.until_settled("register_user", |now| async move {
            let found = if expected.if_match.is_some() {
                let found = self.table.get(key).await?;
                Stored::read(found.ok_or(Refusal::VersionMismatch)?)?
            } else {
                let new = User {
                    user_id: user.clone(),
                    ..known(caller, now)
                };
                let new = patch.apply(&new);
                match self.write_profile(&cx.origin, None, &new).await? {
                    Ok(_) => {
                        return Ok(Registered {
                            user: new,
                            is_new: true,
                        });
                    }
                    Err(found) => found.ok_or(Unsettled::Overtaken)?,
                }
            };
            let Stored { user: found, lag } = found;
            if found.is_being_erased {
                return Err(Refusal::BeingErased.into());
            }
            if !expected.allows(found.version) {
                return Err(Refusal::VersionMismatch.into());
            }
            let changed = patch.apply(&found);
            if changed == found {
                self.refresh_names(&found, lag).await?;
                return Ok(Registered {
                    user: found,
                    is_new: false,
                });
            }
            let changed = User {
                version: found.version + 1,
                updated_at: now,
                ..changed
            };
            match self
                .write_profile(&cx.origin, Some((&found, lag)), &changed)
                .await?
            {
                Ok(lag) => {
                    self.refresh_names(&changed, lag).await?;
                    Ok(Registered {
                        user: changed,
                        is_new: false,
                    })
                }
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }

    /// Writes the profile of a user with its event, on the condition that it is in the version of `before`, or that
    /// the user is not known. Returns what is left to do for its names. Otherwise returns the profile found.
    pub(super) async fn write_profile(
        &self,
        origin: &Origin,
        before: Option<(&User, NamesLag)>,
        after: &User,
    ) -> Result<Result<NamesLag, Option<Stored>>, Error> {
        let lag = match before {
            None => NamesLag::None,
            Some((before, _)) if before.names() != after.names() => NamesLag::Copies(after.version),
            Some((_, lag)) => lag,
        };
        let is_renamed = lag == NamesLag::Copies(after.version);
        let before = before.map(|(user, _)| user);
        let event = match before {
            None => EventDraft::user(EventType::UserRegistered, Transition::Created(after)),
            Some(before) => {
                EventDraft::user(EventType::UserUpdated, Transition::Changed(before, after))
            }
        };
        let mut transaction = self.transaction(origin, [event])?;
        let key = keys::user(&after.tenant_id, &after.user_id);
        let (change, condition) = match before {
            None => (new_profile(after), Condition::absent()),
            Some(before) if is_renamed => {
                let change = names::in_index(profile(after), after);
                (names::pending(change, after), in_version(before.version))
            }
            Some(before) => (profile(after), in_version(before.version)),
        };
        transaction.update(Action::User, &key, change, condition);
        let is_listed = before.is_none() || is_renamed;
        let had_email = before.is_some_and(|before| before.email.is_some());
        if is_listed && (had_email || after.email.is_some()) {
            names::write_email_entry(&mut transaction, Action::Email, after);
        }
        if before.and_then(|it| it.entra_object_id.as_ref()) != after.entra_object_id.as_ref() {
            let key = keys::account_entry(&after.tenant_id, &after.user_id);
            let change = accounts::account_entry(after);
            transaction.touch(Action::Account, &key, change, Condition::none());
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Ok(lag));
        };
        let found = unmet.of(&Action::User).flatten().cloned();
        Ok(Err(found.map(Stored::read).transpose()?))
    }
}

/// A profile that was read, and what is left to do for its names.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) user: User,
    pub(super) lag: NamesLag,
}

impl Stored {
    pub(super) fn read(item: Item) -> Result<Self, table::Error> {
        Ok(Self {
            lag: NamesLag::of(&item)?,
            user: from_row(item)?,
        })
    }
}

/// Label of the action in the transaction on a user.
#[derive(Clone, Copy, PartialEq)]
enum Action {
    User,
    Email,
    Account,
    Membership,
    Team,
    Organization,
}
