//! The resources of the last release's template that an update must leave unchanged: CloudFormation
//! would replace or delete them, or reject the update. They are listed in `release.json`.
//!
//! At a release, once its template is final, renew the file and commit it with the release:
//!
//!
//! ```sh
//! cargo nextest run -p xtask --run-ignored only write_the_facts_of_this_release
//! ```

use std::fs;

use serde_json::{Map, Value, json};

use crate::document::{read, root, template};

const FACTS: &str = "xtask/tests/template/release.json";

/// Resources with data or with an address that clients know, each with the properties whose change
/// replaces them.
const KEPT: [(&str, &[&str]); 5] = [
    (
        "Table",
        &["TableName", "KeySchema", "LocalSecondaryIndexes"],
    ),
    (
        "Pool",
        &[
            "AliasAttributes",
            "UsernameAttributes",
            "UsernameConfiguration",
        ],
    ),
    ("PoolClient", &["UserPoolId", "GenerateSecret"]),
    ("PoolDomain", &["UserPoolId", "Domain"]),
    ("HttpApi", &["ProtocolType"]),
];

/// The entries of a list by one of their fields.
fn by_name(list: &Value, name: &str) -> Value {
    let entries = list.as_array().unwrap().iter();
    let entries = entries.map(|entry| (entry[name].as_str().unwrap().to_owned(), entry.clone()));
    Value::Object(entries.collect())
}

/// The facts that a later release must contain.
fn facts(template: &Value) -> Value {
    let resources = &template["Resources"];
    let kept = KEPT.map(|(name, fixed)| {
        let resource = &resources[name];
        let mut facts = json!({"Type": resource["Type"]});
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            facts[policy] = resource[policy].clone();
        }
        for property in fixed {
            facts["Properties"][property] = resource["Properties"][property].clone();
        }
        (name.to_owned(), facts)
    });
    let parameters = template["Parameters"].as_object().unwrap().iter();
    let parameters = parameters.map(|(name, parameter)| {
        // Changing free text to a choice would reject existing values.
        let values = parameter["AllowedValues"].as_array().map(|values| {
            let values = values.iter().map(|value| (text(value), Value::Bool(true)));
            values.collect::<Map<_, _>>()
        });
        let facts = json!({"Type": parameter["Type"], "AllowedValues": values});
        (name.clone(), facts)
    });
    let outputs = template["Outputs"].as_object().unwrap().keys();
    let table = &resources["Table"]["Properties"];
    json!({
        "kept": kept.into_iter().collect::<Map<_, _>>(),
        "attributes": by_name(&table["AttributeDefinitions"], "AttributeName"),
        "indexes": by_name(&table["GlobalSecondaryIndexes"], "IndexName"),
        "expiry": table["TimeToLiveSpecification"]["AttributeName"],
        "stream": table["StreamSpecification"]["StreamViewType"],
        "pool_schema": by_name(&resources["Pool"]["Properties"]["Schema"], "Name"),
        "parameters": parameters.collect::<Map<_, _>>(),
        "outputs": outputs.map(|name| (name.clone(), Value::Bool(true))).collect::<Map<_, _>>(),
    })
}

fn text(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

/// The paths of the facts that are missing or different compared with the last release. New facts
/// are allowed.
fn missing(before: &Value, now: &Value) -> Vec<String> {
    fn compare(place: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
        match (before, now) {
            (Value::Object(before), Value::Object(_)) => {
                for (name, value) in before {
                    compare(&format!("{place}/{name}"), value, &now[name], found);
                }
            }
            _ if before == now => {}
            _ => found.push(place.to_owned()),
        }
    }
    let mut found = Vec::new();
    compare("", before, now, &mut found);
    found
}

fn last_release() -> Value {
    serde_json::from_str(&read(FACTS)).unwrap()
}

#[test]
fn an_update_from_the_last_release_replaces_and_removes_nothing() {
    let missing = missing(&last_release(), &facts(&template()));
    assert_eq!(missing, [""; 0], "as the last release had them");
}

#[test]
fn removed_or_changed_facts_of_a_release_are_found() {
    let before = template();
    let changes = [
        (
            "/Resources/Pool/Properties/Schema/0/Name",
            "/pool_schema/tenant_id",
        ),
        (
            "/Resources/Pool/Properties/Schema/0/Mutable",
            "/pool_schema/tenant_id/Mutable",
        ),
        (
            "/Resources/Pool/DeletionPolicy",
            "/kept/Pool/DeletionPolicy",
        ),
        (
            "/Resources/Pool/Properties/UsernameAttributes",
            "/kept/Pool/Properties/UsernameAttributes",
        ),
        ("/Resources/Table/Type", "/kept/Table/Type"),
        (
            "/Resources/Table/Properties/KeySchema/1/AttributeName",
            "/kept/Table/Properties/KeySchema",
        ),
        (
            "/Resources/Table/Properties/GlobalSecondaryIndexes/1/IndexName",
            "/indexes/gsi2",
        ),
        (
            "/Resources/Table/Properties/GlobalSecondaryIndexes/0/Projection/ProjectionType",
            "/indexes/gsi1/Projection/ProjectionType",
        ),
        (
            "/Resources/Table/Properties/TimeToLiveSpecification/AttributeName",
            "/expiry",
        ),
        (
            "/Parameters/UserPool/AllowedValues/0",
            "/parameters/UserPool/AllowedValues/new",
        ),
        (
            "/Parameters/SessionHours/Type",
            "/parameters/SessionHours/Type",
        ),
    ];
    for (place, expected) in changes {
        let mut now = before.clone();
        *now.pointer_mut(place).unwrap() = "other".into();
        assert_eq!(
            missing(&facts(&before), &facts(&now)),
            [expected],
            "{place}"
        );
    }
    let mut now = before.clone();
    now["Parameters"]["JwtIssuer"]["AllowedValues"] = json!(["https://issuer.example"]);
    let chosen = ["/parameters/JwtIssuer/AllowedValues"];
    assert_eq!(missing(&facts(&before), &facts(&now)), chosen);
    for (part, expected) in [
        ("Parameters", "/parameters/JwtIssuer"),
        ("Outputs", "/outputs/ApiUrl"),
    ] {
        let mut now = before.clone();
        let name = expected.rsplit('/').next().unwrap();
        now[part].as_object_mut().unwrap().remove(name);
        assert_eq!(missing(&facts(&before), &facts(&now)), [expected]);
    }
}

#[test]
fn added_facts_of_a_release_are_allowed() {
    let before = template();
    let mut now = before.clone();
    let resources = &mut now["Resources"];
    let schema = &mut resources["Pool"]["Properties"]["Schema"];
    let attribute = json!({"Name": "other", "AttributeDataType": "String"});
    schema.as_array_mut().unwrap().insert(0, attribute);
    let indexes = &mut resources["Table"]["Properties"]["GlobalSecondaryIndexes"];
    let index = json!({"IndexName": "gsi0"});
    indexes.as_array_mut().unwrap().insert(0, index);
    now["Outputs"]["Other"] = json!({"Value": "x"});
    now["Parameters"]["Other"] = json!({"Type": "String"});
    assert_eq!(missing(&facts(&before), &facts(&now)), [""; 0]);
}

#[test]
#[ignore = "writes release.json, at a release"]
fn write_the_facts_of_this_release() {
    let facts = serde_json::to_string_pretty(&facts(&template())).unwrap();
    fs::write(root().join(FACTS), facts + "\n").unwrap();
}
