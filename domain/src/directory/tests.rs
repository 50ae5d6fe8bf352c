use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::json::{Fields, FromFields, Violation};
use crate::{GroupId, JsonObject, Role};

const GROUP: &str = "cdb555e3-b33e-4fd5-a427-17fadacbdfa7";

fn object(value: Value) -> JsonObject {
    match value.into() {
        crate::Json::Object(object) => object,
        other => panic!("{other:?} is not an object"),
    }
}

fn read<T: FromFields>(value: Value) -> Result<T, Vec<Violation>> {
    let mut fields = Fields::new(object(value));
    let read = T::from_fields(&mut fields);
    fields.finish().map_err(Vec::from)?;
    Ok(read.unwrap())
}

fn settings(value: Value) -> Result<DirectorySettings, String> {
    let patch: DirectorySettingsPatch = read(value).map_err(|all| format!("{all:?}"))?;
    let applied = patch.apply(&DirectorySettings::default());
    applied.map_err(|(field, invalid)| format!("{field} {invalid}"))
}

fn directory() -> Directory {
    let now = "2026-11-28T10:00:00.000Z".parse().unwrap();
    Directory {
        id: DirectoryId::parse("d1").unwrap(),
        tenant_id: TenantId::parse("acme").unwrap(),
        name: "Acme".parse().unwrap(),
        directory_type: DirectoryType::Entra,
        status: DirectoryStatus::Broken,
        status_reason: Some("consent".to_owned()),
        entra: Some(EntraDirectory {
            tenant_id: GROUP.parse().unwrap(),
            domain: "acme.example".parse().unwrap(),
            service_principal_id: GROUP.parse().unwrap(),
            client_id: None,
            client_secret_arn: None,
        }),
        settings: DirectorySettings::default(),
        last_run: None,
        blocked_run_id: None,
        version: 1,
        created_by: UserId::parse("root").unwrap(),
        created_at: now,
        updated_at: now,
    }
}

#[test]
fn settings_of_an_empty_object_are_the_defaults() {
    assert_eq!(settings(json!({})), Ok(DirectorySettings::default()));
    let stored: DirectorySettings = serde_json::from_value(json!({})).unwrap();
    assert_eq!(stored, DirectorySettings::default());
}

#[test]
fn settings_come_back_from_the_table_as_they_were() {
    let all = settings(json!({
        "create_organizations": true,
        "default_team_params": {"max_budget": 5, "models": ["a"]},
        "default_role": "member",
        "role_map": {"Lead": "manager", GROUP.to_uppercase(): "admin"},
        "group_map": {GROUP: {"organization_id": "sales", "role": "readonly"}},
        "group_filter": {"pattern": "^App-(Prod|Dev)$"},
        "tenant_admin_groups": [GROUP.to_uppercase()],
        "on_leave": "suspend",
        "nested_groups": true,
        "refresh_names": true,
        "removal_limit": {"percent": 50},
    }))
    .unwrap();
    let stored = serde_json::to_value(&all).unwrap();
    assert_eq!(
        serde_json::from_value::<DirectorySettings>(stored).unwrap(),
        all
    );
    let group = GroupId::parse(GROUP).unwrap();
    assert!(all.tenant_admin_groups.contains(&group));
    assert_eq!(all.role(&group, &BTreeSet::new()), Role::Admin);
    assert_eq!(all.group_map.get(&group).unwrap().role, Role::Readonly);
    assert_eq!(
        (all.removal_limit.percent, all.removal_limit.count),
        (50, 20)
    );
}

#[test]
fn invalid_settings_are_refused() {
    let many: serde_json::Map<_, _> = (0..=MAX_MAP_ENTRIES)
        .map(|n| (format!("r{n}"), json!("admin")))
        .collect();
    for bad in [
        json!({"default_role": "owner"}),
        json!({"role_map": {"a": "owner"}}),
        json!({"role_map": {"a": 1}}),
        json!({"role_map": {"": "admin"}}),
        json!({"role_map": []}),
        json!({ "role_map": many }),
        json!({"group_map": {"g": "admin"}}),
        json!({"group_map": {"g": {"organization_id": "o"}}}),
        json!({"group_map": {"g": {"organization_id": "o", "role": "owner"}}}),
        json!({"group_map": {"g": {"organization_id": "a#b", "role": "admin"}}}),
        json!({"group_map": {"g": {"organization_id": "o", "role": "admin", "x": 1}}}),
        json!({"group_map": {"g#": {"organization_id": "o", "role": "admin"}}}),
        json!({"group_filter": {}}),
        json!({"group_filter": "App"}),
        json!({"group_filter": {"prefix": "a", "pattern": "a"}}),
        json!({"group_filter": {"prefix": ""}}),
        json!({"group_filter": {"prefix": "a".repeat(MAX_GROUP_FILTER_LENGTH + 1)}}),
        json!({"tenant_admin_groups": "g"}),
        json!({"tenant_admin_groups": vec!["g"; MAX_GROUP_IDS + 1]}),
        json!({"on_leave": "forget"}),
        json!({"removal_limit": {"percent": 0}}),
        json!({"removal_limit": {"percent": 101}}),
        json!({"removal_limit": {"count": 1_000_001}}),
        json!({"unknown": true}),
    ] {
        assert!(settings(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_filter_is_a_prefix_or_a_pattern() {
    let matches = |filter: Value, name: &str| {
        let settings = settings(json!({ "group_filter": filter })).unwrap();
        settings.counts(name)
    };
    assert!(matches(json!({"prefix": "App-"}), "App-Sales"));
    assert!(!matches(json!({"prefix": "App-"}), "My App-Sales"));
    assert!(!matches(json!({"prefix": "App."}), "App-Sales"));
    assert!(matches(json!({"pattern": "App."}), "My App-Sales"));
    assert!(!matches(json!({"pattern": "^App-(Prod|Dev)$"}), "App-Test"));
    assert!(matches(json!(null), "anything"));
}

#[test]
fn a_pattern_is_bounded_in_size_and_time() {
    for bad in [
        "(",
        "(?=a)",
        r"(a)\1",
        "(.{1000}){1000}",
        r"\w{200}{200}",
        &"(".repeat(30),
    ] {
        let filter = json!({"group_filter": {"pattern": bad}});
        assert!(settings(filter).is_err(), "{bad}");
    }
    // Takes a backtracking engine longer than the age of the universe.
    let slow = settings(json!({"group_filter": {"pattern": "^(a+)+$"}})).unwrap();
    assert!(!slow.counts(&("a".repeat(255) + "!")));
}

#[test]
fn maps_are_merged_entry_by_entry() {
    let before = settings(json!({"role_map": {"a": "admin", "b": "member"}})).unwrap();
    let patch: DirectorySettingsPatch =
        read(json!({"role_map": {"a": null, "c": "manager"}})).unwrap();
    let after = patch.apply(&before).unwrap();
    let expected = settings(json!({"role_map": {"b": "member", "c": "manager"}})).unwrap();
    assert_eq!(after.role_map, expected.role_map);
    // Two maps that are small enough by themselves can be too large together.
    let half = |start: usize| -> Value {
        let names = (start..start + MAX_MAP_ENTRIES).map(|n| (format!("r{n}"), json!("admin")));
        json!({"role_map": names.collect::<serde_json::Map<_, _>>()})
    };
    let before = settings(half(0)).unwrap();
    let patch: DirectorySettingsPatch = read(half(1)).unwrap();
    assert_eq!(patch.apply(&before).unwrap_err().0, "/settings/role_map");
}

#[test]
fn activating_ends_what_broke_a_directory() {
    let later = "2026-11-28T11:00:00.000Z".parse().unwrap();
    let patch = |body: Value| read::<DirectoryPatch>(body).unwrap();
    let active = patch(json!({"status": "active"}))
        .apply(&directory(), later)
        .unwrap();
    assert_eq!(
        (active.status, &active.status_reason),
        (DirectoryStatus::Active, &None)
    );
    assert_eq!(active.version, 2);
    let paused = patch(json!({"status": "paused"}))
        .apply(&active, later)
        .unwrap();
    assert_eq!(paused.status_reason.as_deref(), Some("requested"));
    let same = patch(json!({"status": "paused", "name": "Acme"}))
        .apply(&paused, later)
        .unwrap();
    assert_eq!(same, paused);
    assert!(read::<DirectoryPatch>(json!({"status": "broken"})).is_err());
}

#[test]
fn a_patch_leaves_the_entra_tenant_as_it_is() {
    let other = "00000000-0000-4000-8000-000000000001";
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-AbCdEf";
    let patch: DirectoryPatch = read(json!({"entra": {
        "service_principal_id": other, "client_id": other, "client_secret_arn": arn}}))
    .unwrap();
    let later = "2026-11-28T11:00:00.000Z".parse().unwrap();
    let after = patch.apply(&directory(), later).unwrap();
    let after = after.entra.unwrap();
    assert_eq!(after.tenant_id, directory().entra.unwrap().tenant_id);
    assert_eq!(after.service_principal_id.as_str(), other);
    assert_eq!(after.client_secret_arn.unwrap().region(), "eu-central-1");
    for bad in [
        json!({"entra": {"tenant_id": other}}),
        json!({"entra": {"domain": "other.example"}}),
        json!({"entra": {"service_principal_id": null}}),
        json!({"entra": {"client_id": "x"}}),
        json!({"entra": {"client_secret_arn": "secret"}}),
        json!({"entra": null}),
        json!({"type": "entra"}),
    ] {
        assert!(read::<DirectoryPatch>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_directory_of_scim_has_no_part_of_entra() {
    let scim = Directory {
        directory_type: "scim".parse().unwrap(),
        entra: None,
        ..directory()
    };
    let later = "2026-11-28T11:00:00.000Z".parse().unwrap();
    let patch: DirectoryPatch = read(json!({"entra": {"client_id": GROUP}})).unwrap();
    assert_eq!(patch.apply(&scim, later).unwrap_err().0, "/entra");
    let patch: DirectoryPatch = read(json!({"name": "Other"})).unwrap();
    assert_eq!(patch.apply(&scim, later).unwrap().entra, None);
}

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
fn a_team_in_an_organization_has_the_models_of_the_organization() {
    let rules =
        settings(json!({"default_team_params": {"models": ["a"], "max_budget": 5}})).unwrap();
    assert_eq!(
        rules.team_limits(true).models,
        [crate::ALL_ORGANIZATION_MODELS]
    );
    assert_eq!(
        rules.team_limits(true).max_budget,
        rules.team_limits(false).max_budget
    );
    assert_eq!(rules.team_limits(false).models, ["a"]);
}

#[test]
fn each_field_of_a_directory_can_change() {
    let later = "2026-11-28T11:00:00.000Z".parse().unwrap();
    let patch: DirectoryPatch = read(json!({
        "name": "Other",
        "settings": {"default_role": "member"},
        "entra": {"client_id": GROUP},
    }))
    .unwrap();
    let after = patch.apply(&directory(), later).unwrap();
    assert_eq!(after.name, "Other".parse().unwrap());
    assert_eq!(after.settings.default_role, Role::Member);
    let client = after.entra.unwrap().client_id;
    assert_eq!(client.unwrap().as_str(), GROUP);
    assert_eq!((after.version, after.updated_at), (2, later));
    let default: DirectoryPatch = read(json!({"entra": {"client_id": null}})).unwrap();
    let after = default.apply(&directory(), later).unwrap();
    assert_eq!(after.entra.unwrap().client_id, None);
}

#[test]
fn only_uuids_are_compared_without_case() {
    let role = "Lead-Of-The-Northern-Sales-Team-2026";
    assert_eq!(role.len(), GROUP.len());
    let map: RoleMap = json!({ role: "admin" }).to_string().parse().unwrap();
    assert!(map.names_app_roles());
    let groups: RoleMap = json!({ GROUP.to_uppercase(): "admin" })
        .to_string()
        .parse()
        .unwrap();
    assert!(!groups.names_app_roles());
    let too_large: Result<DirectorySettingsPatch, _> =
        read(json!({"group_filter": {"pattern": "(.{1000}){1000}"}}));
    let reason = format!("{:?}", too_large.unwrap_err());
    let large = json!({"group_filter": {"pattern": "[a-c]{200}"}});
    assert!(settings(large).is_ok());
    assert!(reason.contains("too large"), "{reason}");
    let many: serde_json::Map<_, _> = (0..=MAX_MAP_ENTRIES)
        .map(|n| (format!("r{n}"), json!("admin")))
        .collect();
    let reason = settings(json!({ "role_map": many })).unwrap_err();
    assert!(reason.contains("at most 200 entries"), "{reason}");
}
