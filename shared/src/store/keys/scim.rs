//! Keys of the users and groups of directories of SCIM.

use sha2::{Digest as _, Sha256};

use super::{Key, text_part};
use crate::domain::{DirectoryId, GroupId, ScimScope, ScimUserId};

/// Returns the key of the item with which requests of SCIM to a directory are authenticated. Such a request names the
/// directory and no tenant. No tenant has an empty id.
pub(in crate::store) fn scim_access(directory: &DirectoryId) -> Key {
    Key::new(format!("TENANT##SCIM#{directory}"), "SCIM")
}

/// Sort key prefix of a user of a directory.
pub(in crate::store) const SCIM_USER_PREFIX: &str = "USER#";
/// Sort key prefix of a group of a directory, and of a group that a member is in.
pub(in crate::store) const SCIM_GROUP_PREFIX: &str = "GROUP#";
/// Sort key prefix of a member of a group of a directory.
pub(in crate::store) const SCIM_MEMBER_PREFIX: &str = "MEMBER#";

/// Returns the partition of the users and groups of a directory.
pub(in crate::store) fn scim_partition(scope: &ScimScope) -> String {
    format!(
        "TENANT#{}#DIRECTORY#{}",
        scope.tenant_id, scope.directory_id
    )
}

/// Returns the partition of the numbers of users and groups of a directory.
pub(in crate::store) fn scim_numbers_partition(scope: &ScimScope) -> String {
    format!("{}#NUMBERS", scim_partition(scope))
}

/// Returns the key of the numbers of users or groups of a directory in each bucket. `prefix` is [`SCIM_USER_PREFIX`] or
/// [`SCIM_GROUP_PREFIX`].
pub(in crate::store) fn scim_numbers(scope: &ScimScope, prefix: &str) -> Key {
    Key::new(scim_numbers_partition(scope), prefix)
}

/// Returns the key of the numbers in each slot of a bucket.
pub(in crate::store) fn scim_slots(scope: &ScimScope, prefix: &str, bucket: u8) -> Key {
    Key::new(
        scim_numbers_partition(scope),
        format!("{prefix}{bucket:02x}"),
    )
}

/// Returns the key of a user of a directory.
pub(in crate::store) fn scim_user(scope: &ScimScope, user: &ScimUserId) -> Key {
    Key::new(scim_partition(scope), format!("{SCIM_USER_PREFIX}{user}"))
}

/// Returns the key of a group of a directory.
pub(in crate::store) fn scim_group(scope: &ScimScope, group: &GroupId) -> Key {
    Key::new(scim_partition(scope), format!("{SCIM_GROUP_PREFIX}{group}"))
}

/// Returns the partition of the unique names of a directory.
pub(in crate::store) fn scim_names_partition(scope: &ScimScope) -> String {
    format!("{}#NAMES", scim_partition(scope))
}

/// Where a name is in the order of lists: in which bucket, and in which of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct ScimPlace {
    pub(in crate::store) bucket: u8,
    pub(in crate::store) slot: u8,
}

/// Returns the place of a name. The hash spreads the names of a directory evenly over 128 buckets of 128 slots.
pub(in crate::store) fn scim_place(folded: &str) -> ScimPlace {
    let [bucket, slot, ..] = <[u8; 32]>::from(Sha256::digest(folded));
    ScimPlace {
        bucket: bucket >> 1,
        slot: slot >> 1,
    }
}

fn place_part(prefix: &str, ScimPlace { bucket, slot }: ScimPlace) -> String {
    format!("{prefix}{bucket:02x}{slot:02x}#")
}

/// Returns the key of the item that gives a name to one user or group of a directory. `prefix` is
/// [`SCIM_USER_PREFIX`] or [`SCIM_GROUP_PREFIX`].
pub(in crate::store) fn scim_name(scope: &ScimScope, prefix: &str, folded: &str) -> Key {
    let place = place_part(prefix, scim_place(folded));
    Key::new(
        scim_names_partition(scope),
        format!("{place}{}", text_part(folded)),
    )
}

/// Returns a key that sorts directly before the names of a slot.
pub(in crate::store) fn scim_names_from(scope: &ScimScope, prefix: &str, place: ScimPlace) -> Key {
    Key::new(scim_names_partition(scope), place_part(prefix, place))
}

/// The attributes by which users and groups of a directory are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum ScimIndex {
    /// The external id of a user.
    UserExternalId,
    /// The external id of a group.
    GroupExternalId,
    /// An email address of a user.
    Email,
}

/// Returns the partition of what is found by values that need not be unique.
pub(in crate::store) fn scim_found_partition(scope: &ScimScope) -> String {
    format!("{}#FOUND", scim_partition(scope))
}

/// Returns the sort key prefix of all users or groups with a value.
pub(in crate::store) fn scim_found_start(index: ScimIndex, value: &str) -> String {
    let index = match index {
        ScimIndex::UserExternalId => "USER",
        ScimIndex::GroupExternalId => "GROUP",
        ScimIndex::Email => "EMAIL",
    };
    format!("{index}#{}#", text_part(value))
}

/// Returns the key of the item by which a user or group of a directory is found.
pub(in crate::store) fn scim_found(
    scope: &ScimScope,
    index: ScimIndex,
    value: &str,
    id: &str,
) -> Key {
    Key::new(
        scim_found_partition(scope),
        format!("{}{id}", scim_found_start(index, value)),
    )
}

/// Returns the partition of the members of a group of a directory.
pub(in crate::store) fn scim_members_partition(scope: &ScimScope, group: &GroupId) -> String {
    format!("{}#GROUP#{group}", scim_partition(scope))
}

/// Returns the key of a member of a group of a directory.
pub(in crate::store) fn scim_member(scope: &ScimScope, group: &GroupId, member: &str) -> Key {
    Key::new(
        scim_members_partition(scope, group),
        format!("{SCIM_MEMBER_PREFIX}{member}"),
    )
}

/// Returns the partition of the groups that a user or group of a directory is in.
pub(in crate::store) fn scim_groups_partition(scope: &ScimScope, member: &str) -> String {
    format!("{}#MEMBER#{member}", scim_partition(scope))
}

/// Returns the key of the item that lists a group under its member.
pub(in crate::store) fn scim_group_of(scope: &ScimScope, member: &str, group: &GroupId) -> Key {
    Key::new(
        scim_groups_partition(scope, member),
        format!("{SCIM_GROUP_PREFIX}{group}"),
    )
}

/// Returns the partition of the changes of a directory that are recorded and not finished.
pub(in crate::store) fn scim_pending_partition(scope: &ScimScope) -> String {
    format!("{}#PENDING", scim_partition(scope))
}

/// Returns the key of an unfinished change of a user or group of a directory.
pub(in crate::store) fn scim_pending(scope: &ScimScope, id: &str) -> Key {
    Key::new(scim_pending_partition(scope), id)
}

/// Returns the place in [`GSI2`] of a user whose linked user does not have its last change yet.
pub(in crate::store) fn scim_unapplied(scope: &ScimScope, user: &ScimUserId) -> Key {
    Key::new(scim_unapplied_partition(scope), user.as_str())
}

/// Returns the partition in [`GSI2`] of the users of a directory whose linked users do not have its last change yet.
pub(in crate::store) fn scim_unapplied_partition(scope: &ScimScope) -> String {
    format!("{}#UNAPPLIED", scim_partition(scope))
}
