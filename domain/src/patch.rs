use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// One member of a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Patch<T> {
    /// Absent: keeps the value.
    #[default]
    Keep,
    /// `null`: removes the value.
    Clear,
    /// A value: replaces the previous value.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// Returns the value after the change.
    pub fn apply(&self, before: &Option<T>) -> Option<T> {
        match self {
            Self::Keep => before.clone(),
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// Returns whether it keeps the value.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// Has the schema of the value or `null`. Is never a required property.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Patch_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<T>>()
    }
}

/// Changes a schema to that of a patch, in which every member may be absent.
pub(super) fn nothing_required(schema: &mut Schema) {
    schema.remove("required");
}
