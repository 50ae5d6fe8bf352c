//! Profiles of users.

use std::borrow::Borrow;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::names::{self, NamesLag};
use crate::domain::{
    Caller, Email, EntraObjectId, Name, TenantId, Timestamp, User, UserId, UserStatus,
};
use crate::store::table::{Condition, Item, ItemChange, Transaction, from_item, number, text};
use crate::store::{Error, Refusal, in_version, keys, table};

/// Attribute of a profile whose email address is verified. Otherwise absent.
pub(in crate::store) const EMAIL_VERIFIED: &str = "email_verified";

/// Attribute of a profile: the status. Absent until the user is disabled for the first time.
pub(in crate::store) const STATUS: &str = "status";

/// Attribute of a profile that the directory has disabled: `directory`.
pub(in crate::store) const DISABLED_BY: &str = "disabled_by";

/// Attribute of a user who is a tenant admin by a group of the tenant's directory. Otherwise absent.
pub(in crate::store) const DIRECTORY_ADMIN: &str = "directory_admin";

/// The status of a profile that is being erased.
pub(in crate::store) const ERASING: &str = "erasing";

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

pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<User, table::Error> {
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

/// A profile that was read, and what is left to do for its names.
#[derive(Clone, Debug)]
pub(in crate::store) struct Stored {
    pub(in crate::store) user: User,
    pub(in crate::store) lag: NamesLag,
}

impl Stored {
    pub(in crate::store) fn read(item: impl Borrow<Item>) -> Result<Self, table::Error> {
        let item = item.borrow();
        Ok(Self {
            lag: NamesLag::of(item)?,
            user: from_row(item)?,
        })
    }
}

/// Returns the profile of a caller who is not known in their tenant yet.
pub(in crate::store) fn known(caller: &Caller, now: Timestamp) -> User {
    User::new(caller.tenant_id.clone(), caller.user_id.clone(), now)
}

/// Returns the change that writes all attributes of a profile.
pub(in crate::store) fn new_profile(user: &User) -> ItemChange {
    names::in_index(profile(user), user)
        .set("tenant_id", text(user.tenant_id.as_str()))
        .set("user_id", text(user.user_id.as_str()))
        .set("created_at", text(user.created_at.to_string()))
}

/// Returns the change that writes the attributes of a profile that can change, but not the status.
pub(in crate::store) fn profile(user: &User) -> ItemChange {
    let mut change = ItemChange::new()
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

/// Returns the address in a user's profile, if they have one and it is verified.
pub(in crate::store) fn verified_address(profile: Option<&Item>) -> Result<Option<Email>, Error> {
    let profile = profile.map(from_row).transpose()?;
    Ok(profile.and_then(|profile| profile.verified_email().cloned()))
}

/// Returns the condition that a user is not disabled. It also holds for a user who is not known.
pub(in crate::store) fn is_enabled() -> Condition {
    Condition::new(format!(
        "attribute_not_exists(#{STATUS}) OR #{STATUS} = :enabled"
    ))
    .value(":enabled", text(UserStatus::Enabled.as_str()))
}

/// Refuses if the profile is that of a disabled user.
pub(in crate::store) fn require_enabled(profile: Option<&Item>) -> Result<(), Refusal> {
    let status = profile.and_then(|profile| profile.get(STATUS));
    if status.is_none_or(|status| *status == text(UserStatus::Enabled.as_str())) {
        Ok(())
    } else {
        Err(Refusal::UserDisabled)
    }
}

/// Makes the transaction conditional on the caller not being disabled.
pub(in crate::store) fn hold_enabled<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    caller: &Caller,
) {
    let key = keys::user(&caller.tenant_id, &caller.user_id);
    transaction.guard(&key, is_enabled());
}

/// Returns the condition that a profile is unchanged since it was read. Includes the creation time, because a user who
/// is erased and becomes known again starts with the same version.
pub(in crate::store) fn unchanged(before: &User) -> Condition {
    let created_at = Condition::new("#created_at = :created_at");
    in_version(before.version)
        .and(created_at.value(":created_at", text(before.created_at.to_string())))
}

/// Returns the condition that a user is known, and not being erased.
pub(in crate::store) fn is_known() -> Condition {
    Condition::present().and(is_not_being_erased())
}

/// Returns the condition that a user is not being erased. It also holds for a user who is not known.
pub(in crate::store) fn is_not_being_erased() -> Condition {
    Condition::new("attribute_not_exists(#status) OR #status <> :erasing")
        .value(":erasing", text(ERASING))
}

/// Returns the condition that a user is being erased.
pub(in crate::store) fn is_erasing() -> Condition {
    Condition::new("#status = :erasing").value(":erasing", text(ERASING))
}
