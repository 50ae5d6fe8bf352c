//! Writes an example event for an endpoint without one: `events/<binary>.json`, based on that of
//! `get-organization`. The file can be edited afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

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
        let parameters = parameters(root)?;
        let event = event(model, endpoint, &document, &parameters);
        let event = event.context("no event can be made")?;
        outputs.push(Output {
            path,
            content: Some(format!("{event:#}\n")),
        });
    }
    Ok(outputs)
}

/// By name, the value that a path parameter has in most of the existing events. `events/table.json` has the items that
/// they name.
fn parameters(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for entry in fs::read_dir(root.join(FOLDER))? {
        let path = entry?.path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let event: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let own = event.get("pathParameters").and_then(Value::as_object);
        for (name, value) in own.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            *counts
                .entry(name.clone())
                .or_default()
                .entry(value)
                .or_default() += 1;
        }
    }
    let most = counts.into_iter().filter_map(|(name, values)| {
        let (value, _) = values.into_iter().max_by_key(|(_, count)| *count)?;
        Some((name, value))
    });
    Ok(most.collect())
}

/// The event for the first route of the endpoint, with the example body of the document. A path parameter that no
/// event has yet is the example of the document.
fn event(
    model: Value,
    endpoint: &EndpointDeclaration,
    document: &Value,
    known: &BTreeMap<String, String>,
) -> Option<Value> {
    let route = endpoint.routes.first()?;
    let (method, pattern) = route.split_once(' ')?;
    let names = pattern.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split('}').next());
    let documented = document.get("paths")?.get(pattern)?.get("parameters");
    let documented = documented.and_then(Value::as_array);
    let parameter = |name: &str| {
        if let Some(value) = known.get(name) {
            return Some(json!(value));
        }
        let mut documented = documented.into_iter().flatten();
        let documented = documented.find(|it| it.get("name").is_some_and(|it| it == name))?;
        documented.get("example").cloned()
    };
    let parameters = names.map(|name| Some((name.to_owned(), parameter(name)?)));
    let parameters: Map<_, _> = parameters.collect::<Option<_>>()?;
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
        let document = json!({"paths": {"/teams/{team_id}/members": {
            "parameters": [{"name": "team_id", "example": "rockets"}],
            "post": {"requestBody": {"content": {"application/json": {"example": {"user_id": "ada"}}}}},
        }}});
        let none = BTreeMap::new();
        let documented = event(model.clone(), &endpoint, &document, &none).unwrap();
        assert_eq!(documented["pathParameters"], json!({"team_id": "rockets"}));
        let known = [("team_id".to_owned(), "sales".to_owned())].into();
        let path = "/teams/sales/members";
        let event = event(model, &endpoint, &document, &known).unwrap();
        assert_eq!(event["pathParameters"], json!({"team_id": "sales"}));
        assert_eq!(event["routeKey"], "POST /teams/{team_id}/members");
        assert_eq!(event["requestContext"]["http"]["path"], path);
        assert_eq!(event["body"], r#"{"user_id":"ada"}"#);
        assert_eq!(event["headers"]["content-length"], "17");
    }
}
