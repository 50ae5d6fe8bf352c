//! Events of a REST API (payload format 1.0) with a Cognito authorizer, as API Gateway sends them
//! with AWS WAF, API keys and usage plans.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::World;

/// The event of `GET /organizations`, with the changes of the story.
fn event(method: &str, resource: &str, parameters: &[(&str, &str)]) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("rest_api/event.json")).unwrap();
    let mut path = resource.to_owned();
    for (name, value) in parameters {
        path = path.replace(&format!("{{{name}}}"), value);
        event["pathParameters"][*name] = json!(value);
    }
    event["requestContext"]["path"] = format!("/prod{path}").into();
    event["path"] = path.into();
    event["httpMethod"] = method.into();
    event["requestContext"]["httpMethod"] = method.into();
    event["resource"] = resource.into();
    event["requestContext"]["resourcePath"] = resource.into();
    event
}

fn with_query(mut event: Value, query: &[(&str, &[&str])]) -> Value {
    for (name, values) in query {
        event["queryStringParameters"][*name] = json!(values.last());
        event["multiValueQueryStringParameters"][*name] = json!(values);
    }
    event
}

fn with_header(mut event: Value, name: &str, value: &str) -> Value {
    event["headers"][name] = json!(value);
    event["multiValueHeaders"][name] = json!([value]);
    event
}

fn with_body(event: Value, body: &Value) -> Value {
    let mut event = with_header(event, "Content-Type", "application/json");
    event["body"] = body.to_string().into();
    event
}

/// The response in the format of a REST API: status, headers and body.
async fn send(world: &World, function: &str, event: &Value) -> (u64, Value, Value) {
    let answer = world.invoke(function, event).await;
    assert_eq!(answer["isBase64Encoded"], false, "{answer}");
    let headers = answer["multiValueHeaders"].clone();
    assert!(headers["content-type"][0].is_string(), "{answer}");
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_u64().unwrap(), headers, body)
}

#[tokio::test]
async fn an_organization_is_created_and_read() {
    let world = World::start().await;
    let create = event("POST", "/organizations", &[]);
    let create = with_header(create, "Idempotency-Key", "create-sales");
    let create = with_body(create, &json!({"name": "Sales EMEA"}));
    let (status, headers, created) = send(&world, "create-organization", &create).await;
    assert_eq!((status, &created["name"]), (201, &json!("Sales EMEA")));
    let id = created["id"].as_str().unwrap();
    assert_eq!(headers["location"], json!([format!("/organizations/{id}")]));
    let (status, headers, again) = send(&world, "create-organization", &create).await;
    assert_eq!((status, again), (201, created.clone()));
    assert_eq!(headers["idempotency-replayed"], json!(["true"]));

    let get = event(
        "GET",
        "/organizations/{organization_id}",
        &[("organization_id", id)],
    );
    let (status, headers, mut shown) = send(&world, "get-organization", &get).await;
    // Only reading it shows the number of its members.
    shown.as_object_mut().unwrap().remove("member_count");
    assert_eq!((status, shown), (200, created));
    assert_eq!(
        headers["x-request-id"],
        get["requestContext"]["requestId"]
            .as_str()
            .map_or(json!([]), |id| json!([id]))
    );
    let tag = headers["etag"][0].as_str().unwrap();
    let answer = world
        .invoke("get-organization", &with_header(get, "If-None-Match", tag))
        .await;
    assert_eq!(
        (&answer["statusCode"], &answer["body"]),
        (&json!(304), &json!(""))
    );
}

#[tokio::test]
async fn a_query_is_read() {
    let world = World::start().await;
    let ada = world.user("3c6f0a52-8f0e-4c57-9d1b-6f4a2f3f8b10");
    for name in ["Sales", "Support", "Research"] {
        world.organization(&ada, name).await;
    }
    let list = event("GET", "/organizations", &[]);
    let s = with_query(list.clone(), &[("name_prefix", &["S"]), ("limit", &["1"])]);
    let (status, _, page) = send(&world, "list-organizations", &s).await;
    assert_eq!((status, &page["items"][0]["name"]), (200, &json!("Sales")));
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = [
        ("name_prefix", &["S"][..]),
        ("limit", &["1"]),
        ("cursor", &[cursor]),
    ];
    let (status, _, page) = send(
        &world,
        "list-organizations",
        &with_query(list.clone(), &next),
    )
    .await;
    assert_eq!(
        (status, &page["items"][0]["name"]),
        (200, &json!("Support"))
    );
    // Repeated parameters are rejected rather than reduced to one.
    let twice = with_query(list, &[("limit", &["1", "2"])]);
    let (status, _, problem) = send(&world, "list-organizations", &twice).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("validation-failed"))
    );
}

#[tokio::test]
async fn a_base64_body_is_read() {
    let world = World::start().await;
    let mut create = with_body(
        event("POST", "/organizations", &[]),
        &json!({"name": "Sales"}),
    );
    create["body"] = STANDARD.encode(r#"{"name": "Vertrieb Süd"}"#).into();
    create["isBase64Encoded"] = true.into();
    let (status, _, created) = send(&world, "create-organization", &create).await;
    assert_eq!((status, &created["name"]), (201, &json!("Vertrieb Süd")));
    create["body"] = "not Base64".into();
    let (status, _, problem) = send(&world, "create-organization", &create).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-json")));
}

#[tokio::test]
async fn an_event_without_claims_is_401() {
    let world = World::start().await;
    for authorizer in [
        json!(null),
        json!({}),
        json!({"claims": null}),
        json!({"claims": {}}),
        // The format of a Lambda authorizer.
        json!({"principalId": "ada", "sub": "ada", "tenant_id": "acme"}),
    ] {
        let mut list = event("GET", "/organizations", &[]);
        list["requestContext"]["authorizer"] = authorizer;
        let (status, _, problem) = send(&world, "list-organizations", &list).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")));
    }
}

#[tokio::test]
async fn groups_and_encoded_ids_are_read() {
    let world = World::start().await;
    world.register(&["CN=bob"]).await;
    let get = |groups: &str| {
        // A REST API passes the path as sent.
        let mut get = event("GET", "/users/{user_id}", &[("user_id", "CN%3Dbob")]);
        get["requestContext"]["authorizer"]["claims"]["cognito:groups"] = groups.into();
        get
    };
    let (status, _, user) = send(&world, "get-user", &get("support,tenant-admins")).await;
    assert_eq!((status, &user["user_id"]), (200, &json!("CN=bob")));
    let (status, _, problem) = send(&world, "get-user", &get("support,my-tenant-admins")).await;
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
}
