//! `template.yaml` against the functions that there are, the routes of the contract, the events to
//! try a function with, and the rule that a function may do what it needs and no more.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode as _, YamlOwned};
use serde_json::Value;

/// The routes of the HTTP contract, and the function that answers each. A route that is not here is
/// not in the template, and the other way round.
const ROUTES: [(&str, &str); 30] = [
    ("POST /organizations", "create-organization"),
    ("GET /organizations", "list-organizations"),
    ("GET /organizations/{organization_id}", "get-organization"),
    (
        "PATCH /organizations/{organization_id}",
        "update-organization",
    ),
    (
        "PUT /organizations/{organization_id}",
        "update-organization",
    ),
    (
        "DELETE /organizations/{organization_id}",
        "delete-organization",
    ),
    (
        "POST /organizations/{organization_id}/restore",
        "restore-organization",
    ),
    (
        "POST /organizations/{organization_id}/members",
        "add-member",
    ),
    (
        "GET /organizations/{organization_id}/members",
        "list-members",
    ),
    (
        "GET /organizations/{organization_id}/members/{user_id}",
        "get-member",
    ),
    (
        "PATCH /organizations/{organization_id}/members/{user_id}",
        "update-member",
    ),
    (
        "PUT /organizations/{organization_id}/members/{user_id}",
        "update-member",
    ),
    (
        "DELETE /organizations/{organization_id}/members/{user_id}",
        "remove-member",
    ),
    (
        "POST /organizations/{organization_id}/members/{user_id}/accept",
        "accept-invitation",
    ),
    (
        "GET /users/{user_id}/organizations",
        "list-user-organizations",
    ),
    ("GET /users/{user_id}", "get-user"),
    ("PUT /users/{user_id}", "register-user"),
    ("POST /organizations/{organization_id}/teams", "create-team"),
    ("GET /organizations/{organization_id}/teams", "list-teams"),
    ("POST /teams", "create-team"),
    ("GET /teams", "list-teams"),
    ("GET /teams/{team_id}", "get-team"),
    ("PATCH /teams/{team_id}", "update-team"),
    ("PUT /teams/{team_id}", "update-team"),
    ("DELETE /teams/{team_id}", "delete-team"),
    ("POST /teams/{team_id}/members", "add-team-member"),
    ("GET /teams/{team_id}/members", "list-team-members"),
    (
        "PATCH /teams/{team_id}/members/{user_id}",
        "update-team-member",
    ),
    (
        "DELETE /teams/{team_id}/members/{user_id}",
        "remove-team-member",
    ),
    ("GET /users/{user_id}/teams", "list-user-teams"),
];

/// One `AWS::Serverless::Function`.
struct Function {
    resource: String,
    binary: String,
    routes: Vec<String>,
    policies: Vec<YamlOwned>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> YamlOwned {
    let mut documents = YamlOwned::load_from_str(&read("template.yaml")).unwrap();
    documents.remove(0)
}

/// What lies at the end of the path, or nothing.
fn at<'a>(node: &'a YamlOwned, path: &[&str]) -> Option<&'a YamlOwned> {
    path.iter()
        .try_fold(node, |node, key| node.as_mapping_get(key))
}

fn string(node: Option<&YamlOwned>) -> Option<String> {
    Some(node?.as_str()?.to_owned())
}

/// One, or each of several.
fn each(node: &YamlOwned) -> Vec<&YamlOwned> {
    match node.as_sequence() {
        Some(several) => several.iter().collect(),
        None => vec![node],
    }
}

fn entries(node: &YamlOwned) -> impl Iterator<Item = (String, &YamlOwned)> {
    let entries = node.as_mapping().into_iter().flatten();
    entries.map(|(key, value)| (key.as_str().unwrap().to_owned(), value))
}

fn functions() -> Vec<Function> {
    let template = template();
    entries(at(&template, &["Resources"]).unwrap())
        .filter(|(_, resource)| {
            string(at(resource, &["Type"])).as_deref() == Some("AWS::Serverless::Function")
        })
        .map(|(name, resource)| {
            let binary = string(at(resource, &["Metadata", "BuildProperties", "Binary"]));
            let events = at(resource, &["Properties", "Events"]);
            let routes = events.into_iter().flat_map(entries).map(|(_, event)| {
                assert_eq!(string(at(event, &["Type"])).as_deref(), Some("HttpApi"));
                let method = string(at(event, &["Properties", "Method"])).unwrap();
                let path = string(at(event, &["Properties", "Path"])).unwrap();
                format!("{method} {path}")
            });
            let policies = at(resource, &["Properties", "Policies"]);
            Function {
                binary: binary.unwrap_or_else(|| panic!("{name} has no Binary")),
                routes: routes.collect(),
                policies: policies.into_iter().flat_map(each).cloned().collect(),
                resource: name,
            }
        })
        .collect()
}

/// Names of the files in a folder that end so, without that end.
fn names(folder: &str, end: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(end)?.to_owned())
        })
        .collect()
}

fn pascal_case(binary: &str) -> String {
    let words = binary.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}

fn event(binary: &str) -> Value {
    serde_json::from_str(&read(&format!("events/{binary}.json"))).unwrap()
}

#[test]
fn every_binary_is_one_function_and_every_function_a_binary() {
    let mut resources = BTreeMap::new();
    for function in functions() {
        assert_eq!(function.resource, pascal_case(&function.binary));
        let other = resources.insert(function.binary, function.resource);
        assert_eq!(other, None, "two resources of one binary");
    }
    let binaries = names("functions/src/bin", ".rs");
    assert_eq!(resources.into_keys().collect::<BTreeSet<_>>(), binaries);
}

#[test]
fn every_route_of_the_contract_is_there_once_and_no_other() {
    let mut found: Vec<_> = functions()
        .into_iter()
        .flat_map(|function| {
            let binary = function.binary;
            let routes = function.routes.into_iter();
            routes.map(move |route| (route, binary.clone()))
        })
        .collect();
    let mut contract = ROUTES.map(|(route, binary)| (route.to_owned(), binary.to_owned()));
    found.sort();
    contract.sort();
    assert_eq!(found, contract);
}

#[test]
fn every_function_may_do_only_what_its_own_policy_names() {
    for function in functions() {
        let name = &function.resource;
        assert!(!function.policies.is_empty(), "{name} has no policy");
        for policy in &function.policies {
            // Of either branch of a condition; of its own: neither a managed policy nor a template.
            for policy in branches(policy) {
                let statements = at(policy, &["Statement"]);
                let statements = statements.unwrap_or_else(|| panic!("{name}: {policy:?}"));
                for statement in each(statements) {
                    check_statement(name, statement);
                }
            }
        }
    }
}

/// A policy, or those that `!If` chooses from.
fn branches(policy: &YamlOwned) -> Vec<&YamlOwned> {
    let inner = policy.get_tagged_node().unwrap_or(policy);
    match inner.as_sequence() {
        Some(choice) => choice.iter().skip(1).collect(),
        None => vec![inner],
    }
}

/// What the login sync needs to become itself at Entra: the secret that it is given, or a token of
/// AWS for Entra and nobody else.
fn is_for_entra(name: &str, statement: &YamlOwned) -> bool {
    let actions = each(at(statement, &["Action"]).unwrap());
    let audience = [
        "Condition",
        "ForAllValues:StringEquals",
        "sts:IdentityTokenAudience",
    ];
    let actions: Vec<_> = actions
        .into_iter()
        .map(|action| action.as_str().unwrap())
        .collect();
    match actions[..] {
        ["secretsmanager:GetSecretValue"] => {
            let resource = at(statement, &["Resource"]).unwrap();
            let resource = resource.get_tagged_node().and_then(|node| node.as_str());
            assert_eq!(
                (name, resource),
                ("PostLogin", Some("MicrosoftClientSecretArn"))
            );
            true
        }
        ["sts:GetWebIdentityToken"] => {
            assert_eq!(name, "PostLogin");
            let audience = string(at(statement, &audience));
            assert_eq!(audience.as_deref(), Some("api://AzureADTokenExchange"));
            true
        }
        _ => false,
    }
}

fn check_statement(name: &str, statement: &YamlOwned) {
    let effect = string(at(statement, &["Effect"]));
    assert_eq!(effect.as_deref(), Some("Allow"), "{name}");
    if is_for_entra(name, statement) {
        return;
    }

    let mut on_index = false;
    for resource in each(at(statement, &["Resource"]).unwrap()) {
        let resource = resource.get_tagged_node().unwrap_or(resource);
        match resource.as_str().unwrap() {
            "Table.Arn" => {}
            "${Table.Arn}/index/gsi1" | "${Table.Arn}/index/gsi2" => on_index = true,
            other => panic!("{name} reaches {other}"),
        }
    }
    for action in each(at(statement, &["Action"]).unwrap()) {
        let action = action.as_str().unwrap();
        let operation = action.strip_prefix("dynamodb:");
        let operation = operation.unwrap_or_else(|| panic!("{name} may {action}"));
        let item_operations = [
            "BatchGetItem",
            "BatchWriteItem",
            "ConditionCheckItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "UpdateItem",
        ];
        // Not Scan, not what changes the table, no wildcard.
        assert!(
            item_operations.contains(&operation),
            "{name} may {operation}"
        );
        assert!(
            !on_index || operation == "Query",
            "{name}: {operation} on an index"
        );
    }

    let keys = at(
        statement,
        &[
            "Condition",
            "ForAllValues:StringLike",
            "dynamodb:LeadingKeys",
        ],
    );
    assert_eq!(string(keys).as_deref(), Some("TENANT#*"), "{name}");
    let guard = at(statement, &["Condition", "Null", "dynamodb:LeadingKeys"]);
    assert_eq!(string(guard).as_deref(), Some("false"), "{name}");
}

#[test]
fn every_function_has_an_event_to_try_it_with() {
    let mut events = names("events", ".json");
    assert!(events.remove("env"), "the variables of `sam local invoke`");
    assert!(events.remove("table"), "what the events name");
    let binaries = functions().into_iter().map(|function| function.binary);
    assert_eq!(events, binaries.collect());
}

#[test]
fn every_event_is_one_that_api_gateway_would_send_to_its_function() {
    let triggers = |function: &Function| function.routes.is_empty();
    for function in functions()
        .into_iter()
        .filter(|function| !triggers(function))
    {
        let name = &function.binary;
        let event = event(name);
        assert_eq!(event["version"], "2.0", "{name}");
        let route = event["routeKey"].as_str().unwrap();
        assert!(
            function.routes.iter().any(|other| other == route),
            "{name}: {route}"
        );

        let context = &event["requestContext"];
        assert_eq!(context["routeKey"], route, "{name}");
        let claims = &context["authorizer"]["jwt"]["claims"];
        assert!(claims["sub"].is_string(), "{name}");
        assert!(claims["tenant_id"].is_string(), "{name}");
        for claim in claims.as_object().unwrap().values() {
            assert!(claim.is_string(), "{name}: all claims arrive as strings");
        }

        let (method, pattern) = route.split_once(' ').unwrap();
        let parameters = event["pathParameters"].as_object().into_iter().flatten();
        let path = parameters.fold(pattern.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value.as_str().unwrap())
        });
        assert_eq!(event["rawPath"], path, "{name}");
        assert_eq!(context["http"]["path"], path, "{name}");
        assert_eq!(context["http"]["method"], method, "{name}");

        let headers = &event["headers"];
        let is_json = headers["content-type"] == "application/json";
        assert_eq!(event["body"].is_string(), is_json, "{name}");
        let body = event["body"].as_str().unwrap_or_default();
        assert_eq!(headers["content-length"], body.len().to_string(), "{name}");
        if is_json {
            assert!(serde_json::from_str::<Value>(body).unwrap().is_object());
        }
        let has_key = headers["idempotency-key"].is_string();
        assert_eq!(has_key, method == "POST", "{name}");
    }
}

#[test]
fn the_variables_of_a_local_invocation_are_ones_that_the_template_names() {
    let template = template();
    let variables = at(
        &template,
        &["Globals", "Function", "Environment", "Variables"],
    )
    .unwrap();
    let env: Value = serde_json::from_str(&read("events/env.json")).unwrap();
    let parameters = env["Parameters"].as_object().unwrap();
    assert!(parameters.contains_key("TABLE_NAME"));
    for name in parameters.keys() {
        // The SAM CLI silently drops any other.
        assert!(variables.contains_mapping_key(name), "{name}");
    }
}

#[test]
fn the_table_keeps_its_data_whatever_happens_to_the_stack() {
    let template = template();
    let table = at(&template, &["Resources", "Table"]).unwrap();
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(
            string(at(table, &[policy])).as_deref(),
            Some("Retain"),
            "{policy}"
        );
    }
    let protected = at(table, &["Properties", "DeletionProtectionEnabled"]);
    assert_eq!(protected.and_then(YamlOwned::as_bool), Some(true));
}
