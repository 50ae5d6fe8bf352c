//! Builds objects.

use serde_json::Value;

/// Sets a member of an object.
pub(super) fn insert(object: &mut Value, member: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(member.to_owned(), value);
    }
}
