//! The users and groups of directories of type `scim`.
//!
//! Each membership is two items, under the group and under the member, which are written in one transaction. A change
//! of more members than a transaction holds is recorded as a whole with the new version of the group, and carried out in
//! batches: by the request that made it, and by a run if something is left.

mod access;
mod changes;
mod deletions;
mod find;
mod groups;
mod link;
mod login;
mod members;
mod numbers;
mod purge;
mod records;
mod step;
mod users;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    DirectoryId, GroupId, Name, ScimGroup, ScimScope, ScimUser, ScimUserId, TenantId, Timestamp,
    UserId,
};
use crate::store::keys::{self, GSI2, Key, SCIM_GROUP_PREFIX, SCIM_USER_PREFIX, ScimIndex};
use crate::store::table::{
    Condition, Item, ItemChange, Transaction, from_item, number, text, to_item,
};
use crate::store::{Refusal, table};

pub use access::ScimAccess;
pub(in crate::store) use access::{access_row, rotate, set_status};
pub use changes::ScimFinished;
pub use find::ScimPage;
pub use login::ScimUserWithGroups;
pub(in crate::store) use numbers::number_rows;
pub(in crate::store) use records::settings_row;

/// The result of a write, and the users whom it concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimWritten<T> {
    /// The user or group after the write.
    pub resource: T,
    /// The linked directory users whose groups or `active` changed. Each is marked as unapplied.
    pub affected: Vec<ScimUserId>,
    /// Whether the whole change is carried out. If not, it is recorded, and [`finish_scim_changes`](crate::store::Store::finish_scim_changes) finishes it.
    pub is_finished: bool,
}

/// The attributes of the item of a user, except its keys.
#[derive(Serialize, Deserialize)]
struct UserRow {
    tenant_id: TenantId,
    directory_id: DirectoryId,
    id: ScimUserId,
    /// The attributes as JSON.
    resource: String,
    user_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default)]
    emails: Vec<String>,
    is_active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unapplied: Option<String>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The attributes of the item of a group, except its keys.
#[derive(Serialize, Deserialize)]
struct GroupRow {
    tenant_id: TenantId,
    directory_id: DirectoryId,
    id: GroupId,
    /// The attributes as JSON.
    resource: String,
    name: Name,
    name_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    member_count: usize,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Attributes that a change of a user writes.
const USER_CHANGEABLE: [&str; 7] = [
    "resource",
    "user_name",
    "external_id",
    "emails",
    "is_active",
    "version",
    "updated_at",
];
/// Attributes that a change of a group writes.
const GROUP_CHANGEABLE: [&str; 7] = [
    "resource",
    "name",
    "name_key",
    "external_id",
    "member_count",
    "version",
    "updated_at",
];
/// Attribute of a group whose recorded change of members is not finished.
const PENDING: &str = "pending";
/// Attribute of a directory user: the last change that its linked user does not have yet.
const UNAPPLIED: &str = "unapplied";

/// The attributes of an item that leads to a user or group by a name or value.
#[derive(Serialize, Deserialize)]
struct LookupRow {
    id: String,
}

/// The unique names of the users, or of the groups, of a directory.
#[derive(Clone, Copy, Debug)]
struct ScimNamespace<'a> {
    scope: &'a ScimScope,
    /// Prefix of the keys of its users or groups.
    prefix: &'a str,
}

impl<'a> ScimNamespace<'a> {
    fn of_users(scope: &'a ScimScope) -> Self {
        let prefix = SCIM_USER_PREFIX;
        Self { scope, prefix }
    }

    fn of_groups(scope: &'a ScimScope) -> Self {
        let prefix = SCIM_GROUP_PREFIX;
        Self { scope, prefix }
    }
}

/// Labels of the actions in transactions on users and groups.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ScimAction {
    Resource,
    Name,
    Lookup,
    Count,
    Member,
    Pending,
    Profile,
}

fn to_user_row(scope: &ScimScope, user: &ScimUser) -> Result<Item, table::Error> {
    let row = UserRow {
        tenant_id: scope.tenant_id.clone(),
        directory_id: scope.directory_id.clone(),
        id: user.id.clone(),
        resource: to_text(&user.attributes)?,
        user_name: user.user_name.clone(),
        external_id: user.external_id.clone(),
        emails: user.emails.iter().cloned().collect(),
        is_active: user.is_active,
        user_id: user.user_id.clone(),
        unapplied: user.unapplied.clone(),
        version: user.version,
        created_at: user.created_at,
        updated_at: user.updated_at,
    };
    let key = keys::scim_user(scope, &user.id);
    to_item(&row, [key.attributes(), Item::new()])
}

fn from_user_row(item: Item) -> Result<ScimUser, table::Error> {
    let row: UserRow = from_item(item)?;
    Ok(ScimUser {
        id: row.id,
        attributes: from_text(&row.resource)?,
        user_name: row.user_name,
        external_id: row.external_id,
        emails: row.emails.into_iter().collect(),
        is_active: row.is_active,
        user_id: row.user_id,
        unapplied: row.unapplied,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn to_group_row(scope: &ScimScope, group: &ScimGroup) -> Result<Item, table::Error> {
    let row = GroupRow {
        tenant_id: scope.tenant_id.clone(),
        directory_id: scope.directory_id.clone(),
        id: group.id.clone(),
        resource: to_text(&group.attributes)?,
        name: group.name.clone(),
        name_key: group.name_key.clone(),
        external_id: group.external_id.clone(),
        member_count: group.member_count,
        version: group.version,
        created_at: group.created_at,
        updated_at: group.updated_at,
    };
    let key = keys::scim_group(scope, &group.id);
    to_item(&row, [key.attributes(), Item::new()])
}

fn from_group_row(item: Item) -> Result<ScimGroup, table::Error> {
    let row: GroupRow = from_item(item)?;
    Ok(ScimGroup {
        id: row.id,
        attributes: from_text(&row.resource)?,
        name: row.name,
        name_key: row.name_key,
        external_id: row.external_id,
        member_count: row.member_count,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn to_text(attributes: &Map<String, Value>) -> Result<String, table::Error> {
    serde_json::to_string(attributes).map_err(table::Error::defect)
}

fn from_text(text: &str) -> Result<Map<String, Value>, table::Error> {
    serde_json::from_str(text).map_err(table::Error::unreadable)
}

/// Returns the item that leads from a key to a user or group.
fn lookup_row(key: &Key, id: &str) -> Result<Item, table::Error> {
    let row = LookupRow { id: id.to_owned() };
    to_item(&row, [key.attributes(), Item::new()])
}

/// Returns the keys of the items by which a user is found, except by its name.
fn user_lookups(scope: &ScimScope, user: &ScimUser) -> BTreeSet<(String, String)> {
    let external = user.external_id.iter();
    let external = external.map(|value| (ScimIndex::UserExternalId, value));
    let emails = user.emails.iter().map(|value| (ScimIndex::Email, value));
    external
        .chain(emails)
        .map(|(index, value)| keys::scim_found(scope, index, value, user.id.as_str()))
        .map(|key| (key.pk, key.sk))
        .collect()
}

/// Returns the keys of the items by which a group is found, except by its name.
fn group_lookups(scope: &ScimScope, group: &ScimGroup) -> BTreeSet<(String, String)> {
    let external = group.external_id.iter();
    external
        .map(|value| {
            let index = ScimIndex::GroupExternalId;
            keys::scim_found(scope, index, value, group.id.as_str())
        })
        .map(|key| (key.pk, key.sk))
        .collect()
}

/// Adds the changes of the items by which a user or group is found. They follow the item of the user or group, whose
/// version is the condition.
fn change_lookups(
    transaction: &mut Transaction<'_, ScimAction>,
    id: &str,
    before: &BTreeSet<(String, String)>,
    after: &BTreeSet<(String, String)>,
) -> Result<(), table::Error> {
    for (pk, sk) in after.difference(before) {
        let key = Key::new(pk.clone(), sk.clone());
        transaction.put(ScimAction::Lookup, lookup_row(&key, id)?, Condition::none());
    }
    for (pk, sk) in before.difference(after) {
        let key = Key::new(pk.clone(), sk.clone());
        transaction.delete(ScimAction::Lookup, &key, Condition::none());
    }
    Ok(())
}

/// Adds the change of a unique name and of the numbers of names, on the conditions that no other user or group has the
/// new one, and for the first one that the directory is not being deleted.
fn change_name(
    transaction: &mut Transaction<'_, ScimAction>,
    namespace: ScimNamespace<'_>,
    id: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), table::Error> {
    if before == after {
        return Ok(());
    }
    let ScimNamespace { scope, prefix } = namespace;
    if let Some(after) = after {
        let key = keys::scim_name(scope, prefix, after);
        transaction.put(ScimAction::Name, lookup_row(&key, id)?, Condition::absent());
    }
    if let Some(before) = before {
        let key = keys::scim_name(scope, prefix, before);
        let own = Condition::new("#id = :own").value(":own", text(id));
        transaction.delete(ScimAction::Lookup, &key, own);
    }
    numbers::count(transaction, namespace, before, after);
    Ok(())
}

/// Returns the change that marks a directory user whose linked user does not have its last change yet.
fn mark(change: ItemChange, scope: &ScimScope, user: &ScimUserId, write: &str) -> ItemChange {
    let place = keys::scim_unapplied(scope, user);
    change
        .set(UNAPPLIED, text(write))
        .set(&format!("{GSI2}pk"), text(place.pk))
        .set(&format!("{GSI2}sk"), text(place.sk))
}

/// Returns the condition that a directory user exists and is linked as it was when it was read.
fn still_linked(linked: Option<&UserId>) -> Condition {
    match linked {
        Some(user) => Condition::new("#user_id = :linked").value(":linked", text(user.as_str())),
        None => Condition::present().and(Condition::new("attribute_not_exists(#user_id)")),
    }
}

/// Returns the condition that a group is in this version, and has no unfinished change.
fn unchanged_group(version: u64) -> Condition {
    Condition::new(format!(
        "#version = :before AND attribute_not_exists(#{PENDING})"
    ))
    .value(":before", number(version))
}

/// Returns whether a request asks for another version. It is refused unless it changes nothing: then it may be repeated,
/// because its response did not arrive or was an error (RFC 9110, 13.1.1).
fn is_overtaken(asked: Option<u64>, version: u64) -> bool {
    asked.is_some_and(|asked| asked != version)
}

/// Fails if a request asks for another version.
fn require_version(asked: Option<u64>, version: u64) -> Result<(), Refusal> {
    if is_overtaken(asked, version) {
        return Err(Refusal::VersionMismatch);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
