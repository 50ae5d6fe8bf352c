use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// One member of a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Patch<T> {
    /// Absent: stays as it is.
    #[default]
    Keep,
    /// `null`: is taken away.
    Clear,
    /// A value: takes the place of what was there.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// What stands there afterwards.
    pub fn apply(&self, before: &Option<T>) -> Option<T> {
        match self {
            Self::Keep => before.clone(),
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// Whether it leaves what is there.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// As the value, or `null`. What holds it does not require it.
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

/// The schema of a patch: every member may be absent.
pub(super) fn nothing_required(schema: &mut Schema) {
    schema.remove("required");
}
