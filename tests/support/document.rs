//! Checks every response against the `OpenAPI` document: its status, its headers and every member
//! of its body; and the request, when it succeeded.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Draft, Registry, RegistryBuilder, Validator};
use muster::domain::Email;
use reqwest::{Method, Request};
use serde_json::{Map, Value, json};

use crate::Reply;

/// Headers that the server and the gateway add. Operations need not declare them.
const OF_THE_SERVER: [&str; 4] = ["apigw-requestid", "content-length", "date", "connection"];

/// The document with closed schemas.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = muster_functions::openapi_document();
    for schema in members_of(&mut document["components"]["schemas"]) {
        close(schema);
    }
    document
});

/// The URI of the document's schemas among those of the validators.
const SCHEMAS_URI: &str = "urn:muster:openapi";

/// The schemas that others refer to, prepared once for all validators.
static SCHEMAS: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let schemas = json!({"components": {"schemas": DOCUMENT["components"]["schemas"]}});
    let registry = Registry::new().draft(Draft::Draft202012);
    let registry = registry.add(SCHEMAS_URI, schemas);
    let prepared = registry.and_then(RegistryBuilder::prepare);
    prepared.expect("schemas")
});

/// Compiled validators by the address of their schema, one each per process.
static VALIDATORS: LazyLock<Mutex<HashMap<usize, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The request.
pub(crate) struct SentRequest {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl SentRequest {
    pub(crate) fn of(request: &Request) -> Self {
        let body = request.body().and_then(reqwest::Body::as_bytes);
        Self {
            method: request.method().clone(),
            path: request.url().path().to_owned(),
            body: body.and_then(|body| serde_json::from_slice(body).ok()),
        }
    }
}

impl Reply {
    /// Fails if the document does not allow this response to the request.
    #[track_caller]
    pub(crate) fn holds_to_the_document(&self, sent: &SentRequest) {
        let by_gateway = self.body.get("message").is_some();
        let Some(operation) = operation(&sent.method, &sent.path) else {
            let is_local = sent.path == "/"
                || sent.path.starts_with("/_local/")
                || sent.path.starts_with("/2015-03-31/");
            assert!(is_local || by_gateway, "no operation answers {self:?}");
            return;
        };
        let id = operation["operationId"].as_str().unwrap();
        // The document covers requests that reach an operation.
        if by_gateway && matches!(self.status, 400 | 404 | 431) {
            return;
        }
        let answer = &operation["responses"][self.status.to_string()];
        assert!(!answer.is_null(), "{id} has no answer like {self:?}");
        let answer = resolved(answer);
        self.has_the_headers_of(answer, id);
        self.has_the_body_of(answer, id, by_gateway);
        let asks = operation.pointer("/requestBody/content/application~1json/schema");
        // An item of a batch that is not valid has a result of its own.
        let asks = asks.filter(|_| !matches!(id, "addMembers" | "createInvitations"));
        if let (200..300, Some(schema), Some(body)) = (self.status, asks, &sent.body) {
            let wrong = violations(schema, body);
            assert!(
                wrong.is_empty(),
                "{id} accepted {body}, which the document does not allow: {wrong:?}"
            );
        }
    }

    #[track_caller]
    fn has_the_headers_of(&self, answer: &'static Value, id: &str) {
        let documented: BTreeMap<_, _> = members(&answer["headers"])
            .map(|(name, header)| (name.to_lowercase(), resolved(header)))
            .collect();
        for (name, header) in &documented {
            let Some(value) = self.headers.get(name) else {
                assert!(header["required"] != true, "{id}: no {name} in {self:?}");
                continue;
            };
            let wrong = violations(&header["schema"], &json!(value));
            assert!(wrong.is_empty(), "{id}: {name}: {wrong:?} in {self:?}");
        }
        for name in self.headers.keys() {
            assert!(
                documented.contains_key(name)
                    || name == "content-type"
                    || OF_THE_SERVER.contains(&name.as_str()),
                "{id}: the document has no {name}, but {self:?}"
            );
        }
    }

    #[track_caller]
    fn has_the_body_of(&self, answer: &'static Value, id: &str, by_gateway: bool) {
        let content = &answer["content"];
        let Some(kind) = self.headers.get("content-type") else {
            assert!(
                content.is_null() && self.body.is_null(),
                "{id}: no body in {self:?}"
            );
            return;
        };
        let schema = &content[kind]["schema"];
        assert!(!schema.is_null(), "{id}: no {kind} like {self:?}");
        let mut body = self.body.clone();
        if by_gateway && let Some(body) = body.as_object_mut() {
            // The local gateway sends both the message of API Gateway and the members of the
            // contract.
            body.remove("message");
        }
        let wrong = violations(schema, &body);
        assert!(wrong.is_empty(), "{id}: {wrong:?} in {self:?}");
    }
}

/// The operation of a request.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let sent: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == sent.len()
            && template
                .iter()
                .zip(&sent)
                .all(|(template, sent)| template == sent || template.starts_with('{'))
    };
    let method = method.as_str().to_lowercase();
    members(&DOCUMENT["paths"])
        .filter(|(template, _)| fits(template))
        .find_map(|(_, path)| path.get(&method))
}

/// Returns the violations of an event, by the schema of its type.
pub(crate) fn event_violations(event: &Value) -> Vec<String> {
    let event_type = event["type"].as_str().unwrap();
    let mapping = &DOCUMENT["components"]["schemas"]["TypedEvent"]["discriminator"]["mapping"];
    let place = mapping[event_type].as_str().unwrap();
    let schema = DOCUMENT.pointer(place.trim_start_matches('#')).unwrap();
    violations(schema, event)
}

/// The violations of a value.
fn violations(schema: &'static Value, value: &Value) -> Vec<String> {
    let validator = validator(schema);
    if validator.is_valid(value) {
        return Vec::new();
    }
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{error} at {:?}", error.instance_path().to_string()))
        .collect()
}

fn validator(schema: &'static Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    let place = std::ptr::from_ref(schema).addr();
    let made = validators.entry(place).or_insert_with(|| {
        let schema = schema.to_string();
        let schema = schema.replace("\"#/", &format!("\"{SCHEMAS_URI}#/"));
        let schema = serde_json::from_str(&schema).expect("a schema");
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&SCHEMAS)
            .should_validate_formats(true)
            // Libraries disagree on email addresses: use the rule of Muster.
            .with_format("email", |text: &str| text.parse::<Email>().is_ok())
            .build(&schema);
        Arc::new(validator.expect("a schema"))
    });
    Arc::clone(made)
}

/// The value, with a reference resolved.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("nothing at {reference}")),
        None => value,
    }
}

/// Allows no undeclared member. The document itself allows them in responses, so that clients
/// accept new ones.
fn close(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties") else {
        return;
    };
    for inner in members_of(properties) {
        close(inner);
    }
    schema["additionalProperties"] = json!(false);
}

fn members(value: &'static Value) -> impl Iterator<Item = (&'static String, &'static Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn members_of(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}
