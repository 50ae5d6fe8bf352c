//! Writes an example event for an endpoint without one: `events/<binary>.json`, based on that of
//! `get-organization`. The file can be edited afterwards.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Output;
use super::declarations::{Declarations, EndpointDeclaration};

const FOLDER: &str = "events";
const MODEL: &str = "events/get-organization.json";

/// The missing events.
pub(super) fn outputs(root: &Path, declared: &Declarations) -> Result<Vec<Output>> {
    let mut outputs = Vec::new();
    for endpoint in &declared.endpoints {
        let path = Path::new(FOLDER).join(format!("{}.json", endpoint.binary));
        if root.join(&path).exists() {
            continue;
        }
        let model = serde_json::from_str(&fs::read_to_string(root.join(MODEL))?)?;
        let document = serde_json::from_str(&declared.openapi)?;
        let event = event(model, endpoint, &document).context("no event can be made")?;
        outputs.push(Output {
            path,
            content: Some(format!("{event:#}\n")),
        });
    }
    Ok(outputs)
}

/// The event for the first route of the endpoint, with the example body of the document.
fn event(model: Value, endpoint: &EndpointDeclaration, document: &Value) -> Option<Value> {
    let route = endpoint.routes.first()?;
    let (method, pattern) = route.split_once(' ')?;
    let names = pattern.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split('}').next());
    let parameters: serde_json::Map<_, _> = names
        .map(|name| (name.to_owned(), json!(parameter(name))))
        .collect();
    let path = parameters
        .iter()
        .fold(pattern.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default())
        });
    let operation = document
        .get("paths")?
        .get(pattern)?
        .get(method.to_ascii_lowercase())?;
    let body = operation.pointer("/requestBody/content/application~1json/example");
    let body = body.map(Value::to_string);

    let mut event = model;
    *event.get_mut("routeKey")? = json!(route);
    *event.get_mut("rawPath")? = json!(path);
    *event.get_mut("pathParameters")? = json!(parameters);
    *event.pointer_mut("/requestContext/routeKey")? = json!(route);
    *event.pointer_mut("/requestContext/http/method")? = json!(method);
    *event.pointer_mut("/requestContext/http/path")? = json!(path);
    if endpoint.is_public {
        let context = event.get_mut("requestContext")?.as_object_mut()?;
        context.remove("authorizer");
    }
    let headers = event.get_mut("headers")?.as_object_mut()?;
    if endpoint.is_public {
        headers.remove("authorization");
    }
    let length = body.as_ref().map_or(0, String::len);
    headers.insert("content-length".to_owned(), json!(length.to_string()));
    if method == "POST" {
        let key = format!("{}-1", endpoint.binary);
        headers.insert("idempotency-key".to_owned(), json!(key));
    }
    if let Some(body) = body {
        headers.insert("content-type".to_owned(), json!("application/json"));
        event
            .as_object_mut()?
            .insert("body".to_owned(), json!(body));
    }
    Some(event)
}

/// The value of this name in `events/table.json`.
fn parameter(name: &str) -> &'static str {
    match name {
        "organization_id" => "019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f",
        "invitation_id" => "019aac11-7f20-7b31-8c42-5d6e7f809102",
        "token" => "inv1_YWNtZQ.c2lnbmF0dXJl",
        "team_id" => "0199c1f0-aa01-7e00-8b00-4c5d6e7f8091",
        "domain" => "acme.example",
        "user_id" => "8a1d7e34-52b9-4f0c-a6e3-91c0d4b7e2f5",
        _ => "00000000-0000-7000-8000-000000000000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_route_the_path_and_the_example_body() {
        let model = json!({
            "routeKey": "", "rawPath": "", "pathParameters": {}, "headers": {},
            "requestContext": {"routeKey": "", "http": {"method": "", "path": ""}},
        });
        let endpoint = EndpointDeclaration {
            binary: "add-team-member".to_owned(),
            routes: vec!["POST /teams/{team_id}/members".to_owned()],
            table: Vec::new(),
            indexes: Vec::new(),
            webhook_queue: false,
            run_queue: false,
            directories: false,
            secrets: false,
            invitation_secret: false,
            event_erasure: false,
            is_public: false,
            timeout: None,
        };
        let document = json!({"paths": {"/teams/{team_id}/members": {"post": {
            "requestBody": {"content": {"application/json": {"example": {"user_id": "ada"}}}},
        }}}});
        let path = "/teams/0199c1f0-aa01-7e00-8b00-4c5d6e7f8091/members";
        let event = event(model, &endpoint, &document).unwrap();
        assert_eq!(event["routeKey"], "POST /teams/{team_id}/members");
        assert_eq!(event["requestContext"]["http"]["path"], path);
        assert_eq!(event["body"], r#"{"user_id":"ada"}"#);
        assert_eq!(event["headers"]["content-length"], "17");
    }
}
