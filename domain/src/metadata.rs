//! Metadata that users store with an organization or a team.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Invalid, Json, JsonObject};

/// Maximum size of metadata, in bytes of its compact JSON.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;
/// Maximum depth of metadata. The object itself is the first level.
pub const MAX_METADATA_DEPTH: usize = 5;

/// A JSON object of up to 16 KB encoded and a depth of up to 5. Numbers come back exactly as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Metadata(#[schemars(with = "Map<String, Value>")] JsonObject);

impl Metadata {
    /// Converts an object to metadata. Fails if it exceeds the limits.
    pub fn new(object: JsonObject) -> Result<Self, Invalid> {
        // Checks the depth first: an object that is too deep need not be encoded.
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

    /// Returns this metadata changed by a patch according to RFC 7396: members of the patch replace, `null` removes,
    /// and objects are merged.
    pub fn merged(&self, patch: &JsonObject) -> Result<Self, Invalid> {
        let mut object = self.0.clone();
        merge(&mut object, patch);
        Self::new(object)
    }

    /// Returns its compact JSON.
    pub fn to_json(&self) -> String {
        // Strings, numbers and objects with string keys always serialize.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Returns whether a value has more than `levels` levels of objects and arrays.
fn deeper_than(value: &Json, levels: usize) -> bool {
    let within = |inner: &Json| levels == 0 || deeper_than(inner, levels - 1);
    match value {
        Json::Array(items) => levels == 0 || items.iter().any(within),
        Json::Object(members) => levels == 0 || members.values().any(within),
        _ => false,
    }
}

/// Merges a patch (RFC 7396, section 2). Recurses as deep as the patch, whose depth the JSON parser limits.
fn merge(target: &mut JsonObject, patch: &JsonObject) {
    for (name, change) in patch {
        match change {
            Json::Null => {
                target.remove(name);
            }
            Json::Object(inner) => {
                let mut merged = match target.remove(name) {
                    Some(Json::Object(before)) => before,
                    _ => JsonObject::new(),
                };
                merge(&mut merged, inner);
                target.insert(name.clone(), Json::Object(merged));
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

    fn object(value: Value) -> JsonObject {
        match value.into() {
            Json::Object(object) => object,
            other => panic!("{other:?} is not an object"),
        }
    }

    /// Returns an object with this nesting depth.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn five_levels_are_valid_and_six_are_not() {
        assert!(Metadata::new(object(nested(5))).is_ok());
        assert!(Metadata::new(object(nested(6))).is_err());
        assert!(Metadata::new(object(json!({"a": {"b": {"c": {"d": "scalar"}}}}))).is_ok());
        assert!(Metadata::new(object(json!({"a": [[[[[]]]]]}))).is_err());
    }

    #[test]
    fn sixteen_kilobytes_are_valid_and_a_byte_more_is_not() {
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

    #[test]
    fn numbers_are_unchanged_after_every_change() {
        let sent =
            r#"{"big":12345678901234567890123,"lat":1.5777777777770001,"m":4.488477270507554e40}"#;
        let mut metadata: Metadata = serde_json::from_str(sent).unwrap();
        for n in 0..3 {
            metadata = metadata.merged(&object(json!({"n": n}))).unwrap();
            metadata = serde_json::from_str(&metadata.to_json()).unwrap();
        }
        let metadata = metadata.merged(&object(json!({"n": null}))).unwrap();
        assert_eq!(metadata.to_json(), sent);
    }
}
