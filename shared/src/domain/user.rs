//! Users: the people of a tenant.

use schemars::JsonSchema;
use serde::Serialize;

use super::patch::nothing_required;
use super::{Email, EntraObjectId, Name, Patch, TenantId, Timestamp, UserId};

/// A person in a tenant.
// Fields and names are those of the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct User {
    /// Their tenant.
    pub tenant_id: TenantId,
    /// Their id: the token's `sub`.
    pub user_id: UserId,
    /// Their email address.
    pub email: Option<Email>,
    /// What they are called.
    pub display_name: Option<Name>,
    /// Their object id in Entra, by which the sync finds their groups.
    pub entra_object_id: Option<EntraObjectId>,
    /// When they last signed in.
    pub last_login_at: Option<Timestamp>,
    /// Goes up by one with each write; shown as the `ETag` only.
    #[serde(skip)]
    pub version: u64,
    /// When they became known.
    pub created_at: Timestamp,
    /// When their profile was last written.
    pub updated_at: Timestamp,
}

/// What is known of a user: absent keeps, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct UserPatch {
    /// The email address.
    pub email: Patch<Email>,
    /// What they are called.
    pub display_name: Patch<Name>,
    /// Their object id in Entra.
    pub entra_object_id: Patch<EntraObjectId>,
}
