//! Settings: the role map, the parameters of teams, and all others of the sync.

use std::collections::BTreeSet;

use muster::config::Settings;
use muster::domain::{GroupId, MAX_MODELS, MAX_RATE, Role};
use muster_directory::{EntraSettings, MAX_BUDGET_MS, RoleMap};

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "settings",
    check,
    seeds: &[
        br#"a{"Lead":"manager","CDB555E3-B33E-4FD5-A427-17FADACBDFA7":"org_admin"}"#,
        br#"b{"models":["gpt"],"max_budget":100,"budget_duration":"30d","tpm_limit":1}"#,
        b"cmanager",
        b"dsuspend",
        b"etrue",
        b"f3500",
        b"gtenant-admin",
        b"h{tenant}/oauth2/v2.0/token",
        b"iarn:aws:secretsmanager:eu-central-1:123456789012:secret:entra-AbCdEf",
    ],
};

/// The first byte selects the setting.
const VARIABLES: [&str; 14] = [
    "ENTRA_ROLE_MAP",
    "DEFAULT_TEAM_PARAMS",
    "ENTRA_DEFAULT_ROLE",
    "ENTRA_ON_LEAVE",
    "ENTRA_REFRESH_NAMES",
    "SYNC_BUDGET_MS",
    "ORGANIZATION_CREATION",
    "MICROSOFT_TOKEN_ENDPOINT",
    "MICROSOFT_CLIENT_SECRET_ARN",
    "MICROSOFT_GRAPH_ENDPOINT",
    "MICROSOFT_TENANT",
    "MICROSOFT_SERVICE_PRINCIPAL_ID",
    "ENTRA_NESTED_GROUPS",
    "DEFAULT_TENANT_ID",
];
/// Part of every value; no error may contain it.
const SECRET: &str = "s3cret";

fn check(data: &[u8]) {
    let Some((which, value)) = data.split_first() else {
        return;
    };
    let variable = VARIABLES[usize::from(which.wrapping_sub(b'a')) % VARIABLES.len()];
    let [value] = texts(value);
    match read(variable, &value) {
        Ok(settings) => {
            let rules = &settings.rules;
            assert!(
                rules.default_role != Role::Owner,
                "an owner is granted manually"
            );
            assert!((1..=u128::from(MAX_BUDGET_MS)).contains(&settings.budget.as_millis()));
            let limits = &rules.default_team_params;
            assert!(limits.models.len() <= MAX_MODELS);
            let rates = [limits.tpm_limit, limits.rpm_limit];
            assert!(rates.into_iter().flatten().all(|rate| rate <= MAX_RATE));
        }
        Err(refusal) => assert!(refusal.contains(variable), "{refusal}"),
    }
    // No error repeats the value.
    if let Err(refusal) = read(variable, &format!("{value}{SECRET}")) {
        assert!(!refusal.contains(SECRET), "{refusal}");
    }
    if let Err(refusal) = read(variable, &format!("{{\"{SECRET}\": {value:?}}}")) {
        // The error names an unknown key on purpose.
        assert!(
            !refusal.contains(SECRET) || variable == "DEFAULT_TEAM_PARAMS",
            "{refusal}"
        );
    }
    if let Ok(map) = value.parse::<RoleMap>() {
        no_owner(&map, &value);
    }
}

fn no_owner(map: &RoleMap, text: &str) {
    let named: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    for name in named.keys() {
        let group = GroupId::parse(name.as_str());
        let nobody = GroupId::parse("x").unwrap();
        let role = map.role(&group.unwrap_or(nobody), &BTreeSet::from([name.clone()]));
        assert_ne!(role, Some(Role::Owner));
    }
    let all: BTreeSet<String> = named.keys().cloned().collect();
    assert_ne!(
        map.role(&GroupId::parse("x").unwrap(), &all),
        Some(Role::Owner)
    );
}

fn read(variable: &str, value: &str) -> Result<EntraSettings, String> {
    let set = |name: &str| {
        let usual = match name {
            "MICROSOFT_CLIENT_ID" => Some("c1"),
            "MICROSOFT_TENANT" => Some("contoso.example"),
            "MICROSOFT_SERVICE_PRINCIPAL_ID" => Some("p1"),
            "MICROSOFT_CLIENT_SECRET" if variable != "MICROSOFT_CLIENT_SECRET_ARN" => Some("x"),
            "TABLE_NAME" => Some("muster"),
            "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local"),
            _ => None,
        };
        if name == variable {
            return Some(value.to_owned());
        }
        usual.map(str::to_owned)
    };
    Settings::read(set).map_err(|error| error.to_string())?;
    EntraSettings::read(set).map_err(|error| error.to_string())
}
