//! The schema of each event type, and the webhook that sends events.
//!
//! The API returns [`Event`], which includes types of later releases. The schemas here are for receivers, who decide by
//! the type.

use muster::domain::{
    Event, EventType, FieldChange, MAX_TARGETS, Resource, Timestamp, shows_value,
};
use muster::domain::{fields_of, targets_of};
use serde_json::{Map, Value, json};
use strum::VariantArray as _;

use super::example::Example as _;
use super::schemas::{Schemas, of};

/// The name of the union of all schemas.
const ANY: &str = "TypedEvent";
/// The name of the schema of a body.
const MESSAGE: &str = "WebhookMessage";

/// Returns the name of a type's schema: `MembershipAddedEvent`.
fn name(event_type: EventType) -> String {
    format!("{event_type:?}Event")
}

/// Returns the name of the schema of a resource's changes: `MembershipChanges`.
fn name_of_changes(resource: Resource) -> String {
    format!("{resource:?}Changes")
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Asks for the schemas that those of events refer to.
pub(super) fn ask(schemas: &mut Schemas) {
    for schema in [
        of::<Event>,
        of::<EventType>,
        of::<FieldChange>,
        of::<Timestamp>,
    ] {
        schemas.answer(schema);
    }
}

/// Adds the schemas of events to those with a name.
pub(super) fn add_to(components: &mut Map<String, Value>) {
    let mut mapping = Map::new();
    let mut added = Map::new();
    for event_type in EventType::VARIANTS.iter().copied() {
        let name = name(event_type);
        let place = format!("#/components/schemas/{name}");
        mapping.insert(event_type.as_str().to_owned(), json!(place));
        added.insert(name, schema(event_type, components));
    }
    let all: Vec<_> = added.keys().map(|name| reference(name)).collect();
    for event_type in EventType::VARIANTS {
        let resource = event_type.resource();
        added
            .entry(name_of_changes(resource))
            .or_insert_with(|| changes(resource, components));
    }
    let any = json!({
        "description": "An event with the fields of its type. `Event` is the same for any type.",
        "oneOf": all,
        "discriminator": {"propertyName": "type", "mapping": mapping},
    });
    added.insert(ANY.to_owned(), any);
    let message = json!({
        "description": "The body of a webhook.",
        "type": "object",
        "properties": {
            "type": described(reference("EventType"), "Event type. `webhook.test` in a test."),
            "timestamp": described(reference("Timestamp"), "When it happened."),
            "data": described(reference(ANY), "The event. In a test, only an `id` and the `endpoint_id`."),
        },
        "required": ["type", "timestamp", "data"],
    });
    added.insert(MESSAGE.to_owned(), message);
    components.append(&mut added);
}

fn described(mut schema: Value, description: &str) -> Value {
    super::object::insert(&mut schema, "description", json!(description));
    schema
}

/// The schema of [`Event`], with the targets and changes that events of a type can have.
fn schema(event_type: EventType, components: &Map<String, Value>) -> Value {
    let mut schema = components.get("Event").cloned().unwrap_or_default();
    let description = format!("`{event_type}`: {}", event_type.description());
    super::object::insert(&mut schema, "description", json!(description));
    let resource = event_type.resource();
    if let Some(properties) = schema.get_mut("properties") {
        let constant = json!({"type": "string", "const": event_type.as_str()});
        for (member, replacement) in [
            ("type", constant),
            ("targets", targets(resource)),
            ("changes", reference(&name_of_changes(resource))),
        ] {
            let old = properties.get(member).and_then(|it| it.get("description"));
            let replacement = match old.and_then(Value::as_str) {
                Some(old) => described(replacement, old),
                None => replacement,
            };
            super::object::insert(properties, member, replacement);
        }
    }
    schema
}

fn targets(resource: Resource) -> Value {
    let kinds = targets_of(resource);
    let item = json!({
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": kinds, "description": "Kind of target."},
            "id": {"type": "string", "description": "The id."},
            "name": {"type": "string", "description": "The name at that time. Absent if the change did not read it, or if the user has been erased."},
        },
        "required": ["type", "id"],
    });
    json!({"type": "array", "items": item, "minItems": 1, "maxItems": MAX_TARGETS})
}

fn changes(resource: Resource, components: &Map<String, Value>) -> Value {
    let of_resource = components.get(&format!("{resource:?}"));
    let of_resource = of_resource.and_then(|it| it.get("properties"));
    let fields = fields_of(resource).map(|field| {
        let hidden = json!({
            "type": "object",
            "properties": {"changed": {"type": "boolean", "const": true, "description": "Always `true`."}},
            "required": ["changed"],
        });
        if !shows_value(resource, field) {
            return (
                field.to_owned(),
                described(hidden, "The field changed. Events do not show its values."),
            );
        }
        let value = of_resource.and_then(|properties| properties.get(field));
        let meaning = value.and_then(|value| value["description"].as_str());
        let meaning = meaning.unwrap_or("The change of the field.");
        let values = json!({
            "type": "object",
            "properties": {
                "from": described(or_null(value), "The value before the change."),
                "to": described(or_null(value), "The value after the change."),
            },
            "required": ["from", "to"],
        });
        let hidden = described(hidden, "The field changed, but its values are too large for an event.");
        let either = json!({"anyOf": [values, hidden]});
        (field.to_owned(), described(either, meaning))
    });
    let fields: Map<_, _> = fields.collect();
    json!({
        "description": "The changed fields, by name.",
        "type": "object",
        "properties": fields,
        "additionalProperties": false,
    })
}

/// The schema of a field's value, if the resource shows the field, or `null`.
fn or_null(value: Option<&Value>) -> Value {
    let Some(value) = value else {
        return json!({});
    };
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.remove("description");
        members.remove("default");
    }
    let null = json!("null");
    let is_null = |one: &Value| one.get("type") == Some(&null);
    let all = |member: &str| value.get(member).and_then(Value::as_array);
    let with_null = all("type").is_some_and(|types| types.contains(&null))
        || all("anyOf").is_some_and(|schemas| schemas.iter().any(is_null));
    if with_null {
        value
    } else {
        json!({"anyOf": [value, {"type": "null"}]})
    }
}

/// The webhook that an endpoint receives.
pub(super) fn webhooks() -> Value {
    let header = |name: &str, description: &str, example: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description,
            "schema": {"type": "string"}, "example": example,
        })
    };
    let data = Event::example();
    let message =
        json!({"type": data.get("type"), "timestamp": data.get("occurred_at"), "data": data});
    json!({"event": {"post": {
        "operationId": "receiveEvent",
        "tags": ["Webhooks"],
        "summary": "Receive an event",
        "description": "Muster sends each event to the webhook endpoints of the tenant that receive its type, at least once and without an order, as Standard Webhooks 1.0.0 defines. Verify the signature first.",
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the event; the same with each attempt.", super::example::EVENT),
            header("webhook-timestamp", "The time of the attempt, in seconds since 1970.", "1795284453"),
            header(
                "webhook-signature",
                "One or more signatures, separated by spaces.",
                "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
            ),
        ],
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": reference(MESSAGE), "example": message}},
        },
        "responses": {
            "2XX": {"description": "The endpoint accepted the event."},
            "410": {"description": "The endpoint wants no more events. Muster disables it."},
            "default": {"description": "Muster sends the event again, for 28 hours."},
        },
    }}})
}
