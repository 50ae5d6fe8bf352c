//! The template as `CloudFormation` reads it: `!Ref X` is `{"Ref": "X"}`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Uses the parser of the local stack, so that both read the same.
#[path = "../../../local/src/template/yaml.rs"]
mod yaml;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn template() -> Value {
    yaml::read(&read("template.yaml")).unwrap()
}

/// One resource.
pub(crate) fn resource(name: &str) -> Value {
    let resource = template()["Resources"][name].clone();
    assert!(resource.is_object(), "no resource {name}");
    resource
}

/// All resources of a type, by name.
pub(crate) fn of_type(kind: &str) -> BTreeMap<String, Value> {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let found = resources.iter().filter(|(_, it)| it["Type"] == kind);
    let found: BTreeMap<_, _> = found.map(|(name, it)| (name.clone(), it.clone())).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// One, or each of several.
pub(crate) fn each(node: &Value) -> Vec<&Value> {
    match node {
        Value::Array(several) => several.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The possible values of an expression: itself, or those of both branches of an `!If`.
pub(crate) fn branches(node: &Value) -> Vec<&Value> {
    match node["Fn::If"].as_array().map(Vec::as_slice) {
        Some([_, yes, no]) => [branches(yes), branches(no)].concat(),
        _ if node["Ref"] == "AWS::NoValue" => Vec::new(),
        _ => vec![node],
    }
}

/// The strings in a list.
pub(crate) fn texts(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list}"));
    list.iter().map(|text| text.as_str().unwrap()).collect()
}

/// The names of the files in a folder with this ending, without it.
pub(crate) fn names(folder: &str, end: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(end)?.to_owned())
        })
        .collect()
}
