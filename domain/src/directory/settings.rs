//! How the groups of a directory become organizations, teams and memberships.

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{EnumString, VariantNames};

use super::filter::GroupFilter;
use super::maps::{GroupMap, GroupMapPatch, RoleMap, RoleMapPatch, key};
use crate::patch::nothing_required;
use crate::{ALL_ORGANIZATION_MODELS, GroupId, Invalid, Limits, LimitsPatch, Patch, Role};

/// Default of `default_role`.
pub const DEFAULT_ROLE: Role = Role::InternalUser;
/// Maximum number of groups in `tenant_admin_groups`.
pub const MAX_GROUP_IDS: usize = 50;

/// How the groups of a directory become organizations, teams and memberships. The environment variables of the
/// login sync set the same for the default directory of the deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = all_required)]
pub struct DirectorySettings {
    /// Whether groups become organizations in addition to teams (`ENTRA_GROUPS_ALSO_CREATE_ORGS`).
    pub create_organizations: bool,
    /// The limits of organizations and teams that the sync creates (`DEFAULT_TEAM_PARAMS`).
    pub default_team_params: Limits,
    /// The role of a synced membership if `role_map` gives none (`ENTRA_DEFAULT_ROLE`). Never `owner`.
    pub default_role: Role,
    /// Values of app roles and ids of groups, and the role that each gives (`ENTRA_ROLE_MAP`). The highest wins.
    pub role_map: RoleMap,
    /// Ids of groups, and the membership that each gives instead of one in an organization or a team of its own. If
    /// several groups give one organization, the highest role wins. The organization must exist.
    pub group_map: GroupMap,
    /// Which groups count, by their display name; `null` for all. Groups in `group_map` always count.
    pub group_filter: Option<GroupFilter>,
    /// Ids of groups whose users become tenant admins at their next login. They need not be assigned to the
    /// application.
    pub tenant_admin_groups: GroupIds,
    /// Action for a membership whose group no longer grants it (`ENTRA_ON_LEAVE`).
    pub on_leave: OnLeave,
    /// Whether members of nested groups count (`ENTRA_NESTED_GROUPS`).
    pub nested_groups: bool,
    /// Whether a renamed group renames what the sync created, unless renamed manually (`ENTRA_REFRESH_NAMES`).
    pub refresh_names: bool,
    /// Maximum number of memberships that one run without a login may end.
    pub removal_limit: RemovalLimit,
    /// Meaning of the `externalId` of a user of a directory of type `scim`, by which a login finds the user. Without a match,
    /// a verified email address in a verified domain of the tenant decides. Directories of type `entra` do not use it.
    pub link_by: LinkBy,
}

/// Changes the schema of a response, in which every field is present, although rows of an earlier release lack some.
fn all_required(schema: &mut Schema) {
    let properties = schema
        .get_mut("properties")
        .and_then(|it| it.as_object_mut());
    let Some(properties) = properties else {
        return;
    };
    for property in properties.values_mut() {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
    let names: Vec<_> = properties.keys().cloned().collect();
    schema.insert("required".to_owned(), json!(names));
}

impl Default for DirectorySettings {
    fn default() -> Self {
        Self {
            create_organizations: false,
            default_team_params: Limits::default(),
            default_role: DEFAULT_ROLE,
            role_map: RoleMap::default(),
            group_map: GroupMap::default(),
            group_filter: None,
            tenant_admin_groups: GroupIds::default(),
            on_leave: OnLeave::default(),
            nested_groups: false,
            refresh_names: false,
            removal_limit: RemovalLimit::default(),
            link_by: LinkBy::default(),
        }
    }
}

impl DirectorySettings {
    /// Returns the role that a group with these app roles gives.
    pub fn role(&self, group: &GroupId, app_roles: &BTreeSet<String>) -> Role {
        self.role_map
            .role(group, app_roles)
            .unwrap_or(self.default_role)
    }

    /// Returns the limits of a new team. A team in an organization has that organization's models.
    pub fn team_limits(&self, in_organization: bool) -> Limits {
        let mut limits = self.default_team_params.clone();
        if in_organization {
            limits.models = vec![ALL_ORGANIZATION_MODELS.to_owned()];
        }
        limits
    }

    /// Returns whether a group of this name counts, except through `group_map`.
    pub fn counts(&self, name: &str) -> bool {
        let filter = self.group_filter.as_ref();
        filter.is_none_or(|filter| filter.matches(name))
    }
}

/// What happens to an `entra` membership whose group no longer gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum OnLeave {
    /// The membership is removed.
    #[default]
    Remove,
    /// The membership is suspended until its group grants it again or someone activates it manually. A manual
    /// suspension is never lifted.
    Suspend,
    /// The membership does not change.
    Keep,
}

/// Meaning of the `externalId` of a user of a directory of type `scim`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(EnumString, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum LinkBy {
    /// The object id in Entra, which the login provides.
    #[default]
    ObjectId,
    /// The user id: the `sub` of the user's tokens.
    UserId,
}

/// Ids of groups: up to 50.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("maxItems" = MAX_GROUP_IDS))]
pub struct GroupIds(BTreeSet<GroupId>);

impl GroupIds {
    /// Returns whether it has a group. Compares UUIDs without case.
    pub fn contains(&self, group: &GroupId) -> bool {
        let wanted = key(group.as_str());
        self.0.iter().any(|one| one.as_str() == wanted)
    }

    /// Returns the groups.
    pub fn iter(&self) -> impl Iterator<Item = &GroupId> {
        self.0.iter()
    }

    /// Returns whether it has no groups.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<String>> for GroupIds {
    type Error = Invalid;

    fn try_from(ids: Vec<String>) -> Result<Self, Invalid> {
        if ids.len() > MAX_GROUP_IDS {
            return Err(Invalid::new("must be a list of at most 50 ids of groups"));
        }
        let ids = ids.iter().map(|id| GroupId::parse(key(id)));
        Ok(Self(ids.collect::<Result<_, _>>()?))
    }
}

/// Maximum number of memberships that one run may end without a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovalLimit {
    /// The share of the memberships that the directory gave, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub percent: u8,
    /// The number of memberships that a run may end in any case.
    pub count: u32,
}

impl Default for RemovalLimit {
    fn default() -> Self {
        Self {
            percent: 20,
            count: 20,
        }
    }
}

/// A change of the removal limit. Absent fields keep their value, `null` sets the default.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct RemovalLimitPatch {
    /// The share of the memberships that the directory gave, in percent. Defaults to 20.
    #[schemars(range(min = 1, max = 100))]
    pub percent: Patch<u64>,
    /// The number of memberships that a run may end in any case. Defaults to 20.
    #[schemars(range(max = 1_000_000))]
    pub count: Patch<u64>,
}

impl RemovalLimitPatch {
    fn apply(&self, before: RemovalLimit) -> Result<RemovalLimit, (&'static str, Invalid)> {
        let default = RemovalLimit::default();
        let percent = match self.percent {
            Patch::Keep => before.percent,
            Patch::Clear => default.percent,
            Patch::Set(percent) => u8::try_from(percent)
                .ok()
                .filter(|percent| (1..=100).contains(percent))
                .ok_or((
                    "/settings/removal_limit/percent",
                    Invalid::new("must be a whole number from 1 to 100"),
                ))?,
        };
        let count = match self.count {
            Patch::Keep => before.count,
            Patch::Clear => default.count,
            Patch::Set(count) => u32::try_from(count)
                .ok()
                .filter(|count| *count <= 1_000_000)
                .ok_or((
                    "/settings/removal_limit/count",
                    Invalid::new("must be a whole number from 0 to 1000000"),
                ))?,
        };
        Ok(RemovalLimit { percent, count })
    }
}

/// A change of the settings. Absent fields keep their value, `null` sets the default.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct DirectorySettingsPatch {
    /// Whether groups become organizations in addition to teams. Defaults to `false`.
    pub create_organizations: Patch<bool>,
    /// A merge patch of the limits of organizations and teams that the sync creates. Defaults to none.
    pub default_team_params: Patch<LimitsPatch>,
    /// The role of a synced membership if `role_map` gives none. Cannot be `owner`. Defaults to `internal_user`.
    pub default_role: Patch<Role>,
    /// A merge patch of values of app roles and ids of groups, and the role that each gives. Cannot give `owner`.
    pub role_map: Patch<RoleMapPatch>,
    /// A merge patch of ids of groups, and the membership that each gives. Cannot give `owner`.
    pub group_map: Patch<GroupMapPatch>,
    /// Which groups count, by their display name; `null` for all. Replaced as a whole.
    pub group_filter: Patch<GroupFilter>,
    /// Ids of groups whose users are tenant admins. Replaced as a whole. Defaults to none.
    pub tenant_admin_groups: Patch<GroupIds>,
    /// Action for a membership whose group no longer grants it. Defaults to `remove`.
    pub on_leave: Patch<OnLeave>,
    /// Whether members of nested groups count. Defaults to `false`.
    pub nested_groups: Patch<bool>,
    /// Whether a renamed group renames what the sync created, unless renamed manually. Defaults to `false`.
    pub refresh_names: Patch<bool>,
    /// Maximum number of memberships that one run without a login may end.
    pub removal_limit: Patch<RemovalLimitPatch>,
    /// Meaning of the `externalId` of a user of a directory of type `scim`. Defaults to `object_id`.
    pub link_by: Patch<LinkBy>,
}

impl DirectorySettingsPatch {
    /// Returns the settings after the change. Fails with the field whose value is out of range.
    pub fn apply(
        &self,
        before: &DirectorySettings,
    ) -> Result<DirectorySettings, (&'static str, Invalid)> {
        fn replaced<T: Clone>(patch: &Patch<T>, before: &T, default: T) -> T {
            match patch {
                Patch::Keep => before.clone(),
                Patch::Clear => default,
                Patch::Set(value) => value.clone(),
            }
        }
        let default = DirectorySettings::default();
        let default_role = replaced(&self.default_role, &before.default_role, DEFAULT_ROLE);
        if default_role == Role::Owner {
            let reason = Invalid::new("must not be owner: owners are assigned manually");
            return Err(("/settings/default_role", reason));
        }
        Ok(DirectorySettings {
            create_organizations: replaced(
                &self.create_organizations,
                &before.create_organizations,
                default.create_organizations,
            ),
            default_team_params: match &self.default_team_params {
                Patch::Keep => before.default_team_params.clone(),
                Patch::Clear => default.default_team_params,
                Patch::Set(patch) => patch.apply(&before.default_team_params),
            },
            default_role,
            role_map: match &self.role_map {
                Patch::Keep => before.role_map.clone(),
                Patch::Clear => default.role_map,
                Patch::Set(patch) => {
                    let merged = patch.apply(&before.role_map);
                    merged.map_err(|invalid| ("/settings/role_map", invalid))?
                }
            },
            group_map: match &self.group_map {
                Patch::Keep => before.group_map.clone(),
                Patch::Clear => default.group_map,
                Patch::Set(patch) => {
                    let merged = patch.apply(&before.group_map);
                    merged.map_err(|invalid| ("/settings/group_map", invalid))?
                }
            },
            group_filter: self.group_filter.apply(&before.group_filter),
            tenant_admin_groups: replaced(
                &self.tenant_admin_groups,
                &before.tenant_admin_groups,
                default.tenant_admin_groups,
            ),
            on_leave: replaced(&self.on_leave, &before.on_leave, default.on_leave),
            nested_groups: replaced(
                &self.nested_groups,
                &before.nested_groups,
                default.nested_groups,
            ),
            refresh_names: replaced(
                &self.refresh_names,
                &before.refresh_names,
                default.refresh_names,
            ),
            removal_limit: match &self.removal_limit {
                Patch::Keep => before.removal_limit,
                Patch::Clear => default.removal_limit,
                Patch::Set(patch) => patch.apply(before.removal_limit)?,
            },
            link_by: replaced(&self.link_by, &before.link_by, default.link_by),
        })
    }
}
