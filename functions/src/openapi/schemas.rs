//! The schemas of the document: serialization schemas for responses, deserialization schemas for
//! requests.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Creates the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type, by reference if it has a name of its own.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A page of a list.
#[derive(JsonSchema)]
#[schemars(rename = "{T}Page")]
#[expect(dead_code, reason = "only its schema is of use")]
pub(crate) struct PageOf<T> {
    /// The items; a page may be short, or empty, before the end.
    items: Vec<T>,
    /// The `cursor` of the next page; `null` at the end.
    next_cursor: Option<String>,
}

/// The schemas requested so far.
pub(super) struct Schemas {
    answers: SchemaGenerator,
    bodies: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        Self {
            answers: settings.clone().for_serialize().into_generator(),
            bodies: settings.into_generator(),
        }
    }
}

impl Schemas {
    /// As in a response.
    pub(super) fn answer(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.answers).to_value()
    }

    /// As in a request.
    pub(super) fn request(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.bodies).to_value()
    }

    /// All schemas with a name.
    pub(super) fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.bodies.take_definitions(true);
        components.extend(self.answers.take_definitions(true));
        components.values_mut().for_each(one_list_of_values);
        components
    }
}

/// An enum whose values have descriptions has one schema per value. Clients are better served by a
/// single list.
fn one_list_of_values(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let Some(Value::Array(values)) = object.get("oneOf") else {
        return;
    };
    let constants: Option<Vec<_>> = values.iter().map(|value| value.get("const")).collect();
    let Some(constants) = constants else {
        return;
    };
    let list = json!(constants);
    let means = values.iter().filter_map(|value| {
        let (name, text) = (
            value.get("const")?.as_str()?,
            value.get("description")?.as_str()?,
        );
        Some(format!("\n- `{name}`: {text}"))
    });
    let means: String = means.collect();
    if let Some(Value::String(description)) = object.get_mut("description") {
        description.push('\n');
        description.push_str(&means);
    }
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("string"));
    object.insert("enum".to_owned(), list);
}
