//! What our users want to keep beside an organization or a team.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Invalid;

/// Largest metadata, in bytes of its compact JSON.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;
/// Deepest metadata: the object itself is the first level.
pub const MAX_METADATA_DEPTH: usize = 5;

/// A JSON object of up to 16 KB encoded and a depth of up to 5, never looked into.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Takes an object as metadata, if it is within the limits.
    pub fn new(object: Map<String, Value>) -> Result<Self, Invalid> {
        // Depth first: what it refuses need not be encoded.
        if object
            .values()
            .any(|value| deeper_than(value, MAX_METADATA_DEPTH - 1))
        {
            return Err(Invalid::new("must not be nested deeper than 5 levels"));
        }
        let metadata = Self(object);
        if metadata.to_json().len() > MAX_METADATA_BYTES {
            return Err(Invalid::new("must be at most 16 KB (16,384 bytes) of JSON"));
        }
        Ok(metadata)
    }

    /// This metadata changed by a patch as RFC 7396 says: members of the patch replace, `null`
    /// removes, objects are merged.
    pub fn merged(&self, patch: &Map<String, Value>) -> Result<Self, Invalid> {
        let mut object = self.0.clone();
        merge(&mut object, patch);
        Self::new(object)
    }

    /// Its compact JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

/// Whether a value holds more than `levels` levels of objects and arrays.
fn deeper_than(value: &Value, levels: usize) -> bool {
    let within = |inner: &Value| levels == 0 || deeper_than(inner, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(within),
        Value::Object(members) => levels == 0 || members.values().any(within),
        _ => false,
    }
}

/// RFC 7396, section 2. As deep as the patch, whose depth the JSON parser bounds.
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(inner) => {
                let mut merged = match target.remove(name) {
                    Some(Value::Object(before)) => before,
                    _ => Map::new(),
                };
                merge(&mut merged, inner);
                target.insert(name.clone(), Value::Object(merged));
            }
            other => {
                target.insert(name.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    /// An object nested this deep.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn five_levels_are_taken_and_six_are_not() {
        assert!(Metadata::new(object(nested(5))).is_ok());
        assert!(Metadata::new(object(nested(6))).is_err());
        assert!(Metadata::new(object(json!({"a": {"b": {"c": {"d": "scalar"}}}}))).is_ok());
        assert!(Metadata::new(object(json!({"a": [[[[[]]]]]}))).is_err());
    }

    #[test]
    fn sixteen_kilobytes_are_taken_and_a_byte_more_is_not() {
        let of = |bytes: usize| object(json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())}));
        assert!(Metadata::new(of(MAX_METADATA_BYTES)).is_ok());
        assert!(Metadata::new(of(MAX_METADATA_BYTES + 1)).is_err());
    }

    #[test]
    fn a_patch_merges_objects_replaces_the_rest_and_removes_nulls() {
        let before =
            Metadata::new(object(json!({"a": {"b": 1, "c": 2}, "d": [1], "e": 1}))).unwrap();
        let patch = object(json!({"a": {"b": null, "x": {"y": null}}, "d": [2], "e": null}));
        let after = before.merged(&patch).unwrap();
        assert_eq!(
            serde_json::to_value(after).unwrap(),
            json!({"a": {"c": 2, "x": {}}, "d": [2]})
        );
    }
}
