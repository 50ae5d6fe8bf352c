//! Users: the people of a tenant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patch::nothing_required;
use super::{Email, EntraObjectId, Invalid, Name, Patch, TenantId, Timestamp, UserId};

/// Status of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// Has the access of their memberships.
    #[default]
    Enabled,
    /// Has no access through any membership. The memberships stay as they are.
    Disabled,
}

impl UserStatus {
    /// Returns its name in requests, responses and the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

impl std::str::FromStr for UserStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let all = [Self::Enabled, Self::Disabled];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or(Invalid::new("must be enabled or disabled"))
    }
}

/// A person in a tenant.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct User {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user id: the `sub` of the token.
    pub user_id: UserId,
    /// The email address.
    pub email: Option<Email>,
    /// The display name.
    pub display_name: Option<Name>,
    /// The object id in Entra, with which the directory sync finds the user's groups.
    pub entra_object_id: Option<EntraObjectId>,
    /// The status. A disabled user has no access through any membership.
    pub status: UserStatus,
    /// Time of the last login.
    pub last_login_at: Option<Timestamp>,
    /// Increases by 1 with each write. Returned only as the `ETag`.
    #[serde(skip)]
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change of the profile or the status.
    pub updated_at: Timestamp,
}

/// A profile of a user. Absent fields keep their value, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct UserPatch {
    /// The email address.
    pub email: Patch<Email>,
    /// The display name.
    pub display_name: Patch<Name>,
    /// The object id in Entra.
    pub entra_object_id: Patch<EntraObjectId>,
}

impl UserPatch {
    /// Returns the profile after the change, with the same version.
    pub fn apply(&self, before: &User) -> User {
        User {
            email: self.email.apply(&before.email),
            display_name: self.display_name.apply(&before.display_name),
            entra_object_id: self.entra_object_id.apply(&before.entra_object_id),
            ..before.clone()
        }
    }
}

/// A change of the status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UserStatusPatch {
    /// The new status.
    pub status: UserStatus,
}
