//! The size of items as DynamoDB counts it, and their kinds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(super) type Item = serde_json::Map<String, Value>;

/// The size of an attribute as counted by DynamoDB.
fn attribute_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.to_string().len().div_ceil(2) + 1,
        Value::Bool(_) | Value::Null => 1,
        Value::Array(items) => {
            3 + items
                .iter()
                .map(|item| attribute_bytes(item) + 1)
                .sum::<usize>()
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| name.len() + attribute_bytes(value) + 1);
            3 + members.sum::<usize>()
        }
    }
}

/// The mean size of each kind of item, and its number of indexes.
pub(super) fn items(all: &[Item]) -> BTreeMap<String, Value> {
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for item in all {
        let sk = item["sk"].as_str().unwrap();
        let kind = match sk.split_once('#') {
            Some((kind, _)) => format!("{kind}#"),
            None if item.contains_key("record") && item.contains_key("gsi1pk") => {
                "EVENT of an organization".to_owned()
            }
            None if item.contains_key("record") => "EVENT of the tenant".to_owned(),
            None => sk.to_owned(),
        };
        let (count, sum, copies) = kinds.entry(kind).or_default();
        (*count, *sum, *copies) = (*count + 1, *sum + item_bytes(item), *copies + indexes(item));
    }
    kinds
        .into_iter()
        .map(|(kind, (count, bytes, copies))| {
            assert_eq!(copies % count, 0, "{kind}");
            (
                kind,
                json!({"bytes": bytes.div_ceil(count), "indexes": copies / count}),
            )
        })
        .collect()
}

/// The size of an item in the table.
pub(super) fn item_bytes(item: &Item) -> usize {
    let bytes = item
        .iter()
        .map(|(name, value)| name.len() + attribute_bytes(value));
    bytes.sum()
}

/// The number of indexes that have an item.
pub(super) fn indexes(item: &Item) -> usize {
    let keys = ["gsi1pk", "gsi2pk"];
    keys.iter().filter(|key| item.contains_key(**key)).count()
}
