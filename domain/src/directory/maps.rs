//! Maps from groups and app roles to roles and organizations.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;
use uuid::Uuid;

use crate::{GroupId, Invalid, Json, JsonObject, OrganizationId, Role};

/// Maximum number of entries of a map in the settings of a directory.
pub const MAX_MAP_ENTRIES: usize = 200;
/// Maximum length of a key, in characters: app roles have up to 120.
const MAX_KEY_LENGTH: usize = 120;

/// The error text for the role of an entry.
const ROLE: &str = "must give each app role value or group id a role: admin, org_admin, manager, \
                    member, internal_user, readonly or internal_user_viewer, never owner";
/// The error text for an entry of a map of groups.
const MAPPED: &str = "must give each group id an object with the organization_id and the role: admin, org_admin, \
                      manager, member, internal_user, readonly or internal_user_viewer, never owner";
/// The error text for a map that is too large.
const TOO_MANY: &str = "must have at most 200 entries";
/// The error text for a key.
const KEY: &str = "must have keys of 1 to 120 characters";

/// Maps app roles and groups to roles. Never gives owner: owners are set by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleMap(BTreeMap<String, Role>);

/// A change of a [`RoleMap`]: `None` removes an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleMapPatch(BTreeMap<String, Option<Role>>);

impl RoleMap {
    /// Returns the highest role that the group itself or one of its app roles gives, if any. Of two equal
    /// roles (`admin`, `org_admin`), returns the first in [`Role`].
    pub fn role(&self, group: &GroupId, app_roles: &BTreeSet<String>) -> Option<Role> {
        let of_group = self.0.get(&key(group.as_str()));
        let of_app_roles = app_roles.iter().filter_map(|value| self.0.get(value));
        let given: Vec<&Role> = of_group.into_iter().chain(of_app_roles).collect();
        let mut all = Role::VARIANTS.iter().copied();
        all.find(|role| given.contains(&role))
    }

    /// Returns whether it contains a key that is not a group id, so that app roles must be read from Graph.
    pub fn names_app_roles(&self) -> bool {
        self.0.keys().any(|key| !is_uuid(key))
    }
}

impl FromStr for RoleMap {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let object = object(text)?;
        let roles = object.iter().map(|(name, role)| {
            let role = given(role).ok_or(Invalid::new(ROLE))?;
            Ok((key(name), role))
        });
        Ok(Self(roles.collect::<Result<_, _>>()?))
    }
}

impl RoleMapPatch {
    /// Reads a merge patch of a map.
    pub fn from_json(value: &Json) -> Result<Self, Invalid> {
        let entries = entries(value, ROLE)?.iter().map(|(name, role)| {
            let role = match role {
                Json::Null => None,
                role => Some(given(role).ok_or(Invalid::new(ROLE))?),
            };
            Ok((checked_key(name)?, role))
        });
        Ok(Self(entries.collect::<Result<_, _>>()?))
    }

    /// Returns the map after the change. Fails if it has too many entries.
    pub fn apply(&self, before: &RoleMap) -> Result<RoleMap, Invalid> {
        Ok(RoleMap(merged(&before.0, &self.0)?))
    }
}

/// Maps groups to organizations. A group in it gives a membership in that organization instead of one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupMap(BTreeMap<String, MappedGroup>);

/// The membership that a group gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedGroup {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The role. Never `owner`.
    pub role: Role,
}

/// A change of a [`GroupMap`]: `None` removes an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMapPatch(BTreeMap<String, Option<MappedGroup>>);

impl GroupMap {
    /// Returns the membership that a group gives, if the map has the group.
    pub fn get(&self, group: &GroupId) -> Option<&MappedGroup> {
        self.0.get(&key(group.as_str()))
    }

    /// Returns whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl GroupMapPatch {
    /// Reads a merge patch of a map.
    pub fn from_json(value: &Json) -> Result<Self, Invalid> {
        let entries = entries(value, MAPPED)?.iter().map(|(name, group)| {
            let mapped = match group {
                Json::Null => None,
                Json::Object(group) => Some(mapped(group).ok_or(Invalid::new(MAPPED))?),
                _ => return Err(Invalid::new(MAPPED)),
            };
            GroupId::parse(name.as_str())?;
            Ok((checked_key(name)?, mapped))
        });
        Ok(Self(entries.collect::<Result<_, _>>()?))
    }

    /// Returns the map after the change. Fails if it has too many entries.
    pub fn apply(&self, before: &GroupMap) -> Result<GroupMap, Invalid> {
        Ok(GroupMap(merged(&before.0, &self.0)?))
    }
}

fn mapped(group: &JsonObject) -> Option<MappedGroup> {
    let (Some(Json::String(id)), Some(role), 2) =
        (group.get("organization_id"), group.get("role"), group.len())
    else {
        return None;
    };
    Some(MappedGroup {
        organization_id: OrganizationId::parse(id.as_str()).ok()?,
        role: given(role)?,
    })
}

/// Returns a role that a directory may give.
fn given(role: &Json) -> Option<Role> {
    let Json::String(role) = role else {
        return None;
    };
    role.parse().ok().filter(|role| *role != Role::Owner)
}

fn merged<V: Clone>(
    before: &BTreeMap<String, V>,
    patch: &BTreeMap<String, Option<V>>,
) -> Result<BTreeMap<String, V>, Invalid> {
    let mut after = before.clone();
    for (key, value) in patch {
        match value {
            None => after.remove(key),
            Some(value) => after.insert(key.clone(), value.clone()),
        };
    }
    if after.len() > MAX_MAP_ENTRIES {
        return Err(Invalid::new(TOO_MANY));
    }
    Ok(after)
}

fn entries<'a>(value: &'a Json, rule: &'static str) -> Result<&'a JsonObject, Invalid> {
    match value {
        Json::Object(object) if object.len() <= MAX_MAP_ENTRIES => Ok(object),
        Json::Object(_) => Err(Invalid::new(TOO_MANY)),
        _ => Err(Invalid::new(rule)),
    }
}

/// Reads a JSON object. Drops the parser's error text: it could repeat the value, which may be a misplaced secret.
fn object(text: &str) -> Result<JsonObject, Invalid> {
    match Json::read(text.as_bytes()) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(Invalid::new("must be a JSON object")),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn checked_key(text: &str) -> Result<String, Invalid> {
    if (1..=MAX_KEY_LENGTH).contains(&text.chars().count()) {
        return Ok(key(text));
    }
    Err(Invalid::new(KEY))
}

/// Compares group ids without case, because people copy them from different places. App roles keep their case.
pub(super) fn key(text: &str) -> String {
    if is_uuid(text) {
        text.to_ascii_lowercase()
    } else {
        text.to_owned()
    }
}

/// The roles that a directory may give.
fn roles() -> Vec<Role> {
    let all = Role::VARIANTS.iter().copied();
    all.filter(|role| *role != Role::Owner).collect()
}

fn map_schema(description: &str, value: &serde_json::Value) -> Schema {
    json_schema!({
        "type": "object",
        "description": description,
        "maxProperties": MAX_MAP_ENTRIES,
        "propertyNames": {"minLength": 1, "maxLength": MAX_KEY_LENGTH},
        "additionalProperties": value,
    })
}

fn mapped_schema() -> serde_json::Value {
    serde_json::json!({
        "type": "object",
        "properties": {
            "organization_id": {
                "type": "string",
                "minLength": 1,
                "maxLength": crate::MAX_ID_LENGTH,
                "pattern": "^[A-Za-z0-9._@+:|=-]+$",
            },
            "role": {"type": "string", "enum": roles()},
        },
        "required": ["organization_id", "role"],
        "additionalProperties": false,
    })
}

/// Adds `null` to what a value may be.
fn or_null(schema: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"anyOf": [schema, {"type": "null"}]})
}

macro_rules! map_schemas {
    ($($Type:ident = $name:literal, $description:literal, $value:expr;)+) => {
        $(impl JsonSchema for $Type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                map_schema($description, &$value)
            }
        })+
    };
}

map_schemas! {
    RoleMap = "RoleMap", "Values of app roles and ids of groups, and the role that each gives.",
        serde_json::json!({"type": "string", "enum": roles()});
    RoleMapPatch = "RoleMapPatch", "A merge patch: values of app roles and ids of groups, and the role that each gives.",
        or_null(&serde_json::json!({"type": "string", "enum": roles()}));
    GroupMap = "GroupMap", "Ids of groups, and the membership that each gives.", mapped_schema();
    GroupMapPatch = "GroupMapPatch", "A merge patch: ids of groups, and the membership that each gives.",
        or_null(&mapped_schema());
}
