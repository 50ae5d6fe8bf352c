//! The rules of the sync: `ENTRA_*` and `DEFAULT_TEAM_PARAMS`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use uuid::Uuid;

use muster::domain::{
    ALL_ORGANIZATION_MODELS, GroupId, Invalid, Json, JsonObject, Limits, LimitsPatch, Role,
};
use muster::json::{Fields, FromFields, Violation};

/// Default of `ENTRA_DEFAULT_ROLE`.
pub const DEFAULT_ROLE: Role = Role::InternalUser;

/// How the sync maps groups to organizations, teams and memberships.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncRules {
    /// `ENTRA_GROUPS_ALSO_CREATE_ORGS`: whether groups become organizations in addition to teams.
    pub also_create_organizations: bool,
    /// `ENTRA_DEFAULT_ROLE`: the role of a synced membership if `role_map` gives none. Never owner.
    pub default_role: Role,
    /// `ENTRA_ROLE_MAP`.
    pub role_map: RoleMap,
    /// `ENTRA_ON_LEAVE`.
    pub on_leave: OnLeave,
    /// `ENTRA_REFRESH_NAMES`: whether a renamed group renames what the sync created, unless renamed by hand.
    pub refresh_names: bool,
    /// `DEFAULT_TEAM_PARAMS`: the limits of organizations and teams that the sync creates.
    pub limits: Limits,
}

impl Default for SyncRules {
    fn default() -> Self {
        Self {
            also_create_organizations: false,
            default_role: DEFAULT_ROLE,
            role_map: RoleMap::default(),
            on_leave: OnLeave::default(),
            refresh_names: false,
            limits: Limits::default(),
        }
    }
}

impl SyncRules {
    /// Returns the role that a group with these app roles gives.
    pub fn role(&self, group: &GroupId, app_roles: &BTreeSet<String>) -> Role {
        self.role_map
            .role(group, app_roles)
            .unwrap_or(self.default_role)
    }

    /// Returns the limits of a new team. A team in an organization has that organization's models.
    pub fn team_limits(&self, in_organization: bool) -> Limits {
        let mut limits = self.limits.clone();
        if in_organization {
            limits.models = vec![ALL_ORGANIZATION_MODELS.to_owned()];
        }
        limits
    }
}

/// What happens to an `entra` membership whose group no longer gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLeave {
    /// `remove`: the membership is removed.
    #[default]
    Remove,
    /// `suspend`: the membership is suspended until its group gives it again or someone activates it by hand.
    /// A suspension by hand is never lifted.
    Suspend,
    /// `keep`: the membership does not change.
    Keep,
}

impl FromStr for OnLeave {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "remove" => Ok(Self::Remove),
            "suspend" => Ok(Self::Suspend),
            "keep" => Ok(Self::Keep),
            _ => Err(Invalid::new("must be remove, suspend or keep")),
        }
    }
}

/// Maps app roles and groups to roles. Never gives owner: owners are set by hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoleMap(BTreeMap<String, Role>);

impl RoleMap {
    /// Returns the highest role that the group itself or one of its app roles gives, if any. Of two equal
    /// roles (`admin`, `org_admin`), returns the first in [`Role::ALL`].
    pub fn role(&self, group: &GroupId, app_roles: &BTreeSet<String>) -> Option<Role> {
        let of_group = self.0.get(&key(group.as_str()));
        let of_app_roles = app_roles.iter().filter_map(|value| self.0.get(value));
        let given: Vec<&Role> = of_group.into_iter().chain(of_app_roles).collect();
        Role::ALL.into_iter().find(|role| given.contains(&role))
    }

    /// Returns whether it contains a key that is not a group id, so that app roles must be read from Graph.
    pub fn names_app_roles(&self) -> bool {
        self.0.keys().any(|key| !is_uuid(key))
    }
}

impl FromStr for RoleMap {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let roles = object(text)?.into_iter().map(|(name, role)| {
            let role: Option<Role> = match role {
                Json::String(role) => role.parse().ok(),
                _ => None,
            };
            match role {
                None | Some(Role::Owner) => Err(Invalid::new(
                    "must give each app role value or group id a role: admin, org_admin, manager, \
                     member, internal_user, readonly or internal_user_viewer, never owner",
                )),
                Some(role) => Ok((key(&name), role)),
            }
        });
        Ok(Self(roles.collect::<Result<_, _>>()?))
    }
}

/// Reads `DEFAULT_TEAM_PARAMS`, which has the format of `limits` in the HTTP contract. Rejects unknown keys,
/// because a misspelt key would leave something unlimited.
pub(super) fn limits(text: &str) -> Result<Limits, Invalid> {
    let mut fields = Fields::new(object(text)?);
    let patch = LimitsPatch::from_fields(&mut fields);
    if let Err(violations) = fields.finish() {
        let violations = Vec::<Violation>::from(violations)
            .into_iter()
            .map(|violation| {
                let key = violation.pointer.trim_start_matches('/');
                format!("{key} {}", violation.detail)
            });
        return Err(Invalid::new(violations.collect::<Vec<_>>().join("; ")));
    }
    Ok(patch.unwrap_or_default().apply(&Limits::default()))
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

/// Compares group ids without case, because people copy them from different places. App roles keep their case.
fn key(text: &str) -> String {
    if is_uuid(text) {
        text.to_ascii_lowercase()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "cdb555e3-b33e-4fd5-a427-17fadacbdfa7";

    fn app_roles(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn the_highest_role_wins() {
        let map: RoleMap = r#"{"Viewer": "readonly", "Lead": "manager", "Admin": "org_admin",
                               "CDB555E3-B33E-4FD5-A427-17FADACBDFA7": "member"}"#
            .parse()
            .unwrap();
        let group = GroupId::parse(GROUP).unwrap();
        let other = GroupId::parse("x").unwrap();
        let role = |group, values| map.role(group, &app_roles(values));
        assert_eq!(role(&group, &[]), Some(Role::Member));
        assert_eq!(role(&group, &["Viewer"]), Some(Role::Member));
        assert_eq!(
            role(&group, &["Admin", "Lead", "Viewer"]),
            Some(Role::OrgAdmin)
        );
        assert_eq!(role(&other, &["Lead", "nothing"]), Some(Role::Manager));
        assert_eq!(role(&other, &["lead"]), None);
    }

    #[test]
    fn app_roles_are_read_only_when_the_map_names_one() {
        let named = |text: &str| text.parse::<RoleMap>().unwrap().names_app_roles();
        assert!(!named("{}"));
        assert!(!named(&format!(r#"{{"{GROUP}": "admin"}}"#)));
        assert!(named(&format!(
            r#"{{"{GROUP}": "admin", "Lead": "admin"}}"#
        )));
    }

    #[test]
    fn role_map_does_not_give_owner() {
        for bad in [
            r#"{"a": "owner"}"#,
            r#"{"a": "boss"}"#,
            r#"{"a": 1}"#,
            "[]",
            "",
            "null",
        ] {
            assert!(bad.parse::<RoleMap>().is_err(), "{bad}");
        }
    }

    #[test]
    fn team_params_become_limits() {
        let read = limits(
            r#"{"max_budget": 100, "budget_duration": "30d", "models": ["a"], "tpm_limit": 10000,
                "rpm_limit": null}"#,
        )
        .unwrap();
        assert_eq!(read.max_budget.map(f64::from), Some(100.0));
        assert_eq!(read.models, ["a"]);
        assert_eq!((read.tpm_limit, read.rpm_limit), (Some(10_000), None));
        assert_eq!(limits("{}"), Ok(Limits::default()));
    }

    #[test]
    fn invalid_team_params_are_refused() {
        for bad in [
            r#"{"max_budgte": 1}"#,
            r#"{"max_budget": -1}"#,
            r#"{"max_budget": "1"}"#,
            r#"{"budget_duration": "1y"}"#,
            r#"{"models": "a"}"#,
            r#"{"models": [""]}"#,
            r#"{"tpm_limit": -1}"#,
            r#"{"rpm_limit": 1.5}"#,
            r#"{"rpm_limit": 9007199254740992}"#,
            "[]",
            "{",
        ] {
            assert!(limits(bad).is_err(), "{bad}");
        }
        assert_eq!(
            limits(r#"{"max_budgte": 1, "tpm_limit": -1}"#)
                .unwrap_err()
                .to_string(),
            "tpm_limit must be a whole number from 0 to 9007199254740991; \
             max_budgte is not a field that can be set here"
        );
    }

    #[test]
    fn a_team_in_an_organization_has_the_models_of_the_organization() {
        let rules = SyncRules {
            limits: limits(r#"{"models": ["a"], "max_budget": 5}"#).unwrap(),
            ..SyncRules::default()
        };
        assert_eq!(rules.team_limits(true).models, [ALL_ORGANIZATION_MODELS]);
        assert_eq!(
            rules.team_limits(true).max_budget,
            rules.team_limits(false).max_budget
        );
        assert_eq!(rules.team_limits(false).models, ["a"]);
    }
}
