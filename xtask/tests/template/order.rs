//! Checks that the resources have an order of creation: pool, functions, permissions and authorizer
//! refer to each other, but not in a cycle.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::template;

/// The names that an expression refers to.
fn references(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(entries) => {
            for (name, value) in entries {
                match (name.as_str(), value) {
                    ("Ref", Value::String(to)) => drop(found.insert(to.clone())),
                    ("Fn::GetAtt", Value::String(to)) => {
                        found.extend(to.split('.').next().map(str::to_owned));
                    }
                    ("Fn::Sub", _) => substitutions(value, found),
                    // The event of a route is part of the API, which calls the function.
                    ("Events", _) => {}
                    _ => references(value, found),
                }
            }
        }
        _ => {}
    }
}

fn substitutions(argument: &Value, found: &mut BTreeSet<String>) {
    let text = argument.as_str().or(argument[0].as_str()).unwrap();
    for part in text.split("${").skip(1) {
        let (name, _) = part.split_once('}').unwrap();
        found.extend(name.split('.').next().map(str::to_owned));
    }
    references(&argument[1], found);
}

#[test]
fn resources_have_no_dependency_cycle() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let mut waits: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, resource) in resources {
        let mut found = BTreeSet::new();
        references(resource, &mut found);
        if resource["Type"] == "AWS::Serverless::Function" {
            references(&template["Globals"]["Function"], &mut found);
            if resource["Properties"]["Events"].is_object() {
                waits.entry("HttpApi").or_default().insert(name.clone());
            }
        }
        found.retain(|to| resources.contains_key(to));
        waits.entry(name).or_default().extend(found);
    }
    assert!(waits["HttpApi"].len() > 20 && waits["Pool"].contains("PostLogin"));
    // A resource without open dependencies can be created; in a cycle there is none.
    while !waits.is_empty() {
        let left: BTreeSet<_> = waits.keys().map(|name| (*name).to_owned()).collect();
        waits.retain(|_, on| on.iter().any(|name| left.contains(name)));
        assert!(waits.len() < left.len(), "a cycle of {left:?}");
    }
}
