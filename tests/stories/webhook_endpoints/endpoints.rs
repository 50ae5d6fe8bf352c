//! Creating, reading, changing and deleting webhook endpoints.

use axum::http::StatusCode;
use serde_json::{Value, json};
use support::{Actor, Faults, Receiver, World, statuses};

use super::deliveries::{LONG_AGO, deliver, some_event};
use super::{all_events, endpoint, times};

const URL: &str = "https://hooks.acme.example/muster";

/// The events about webhook endpoints: type, actor and changes.
async fn events(world: &World) -> Vec<Value> {
    let root = world.tenant_admin();
    let events = root.all("/events?type=webhook_endpoint.*&order=newest");
    let events = events.await.into_iter().rev();
    let parts = events.map(|event| json!([event["type"], event["actor"]["id"], event["changes"]]));
    parts.collect()
}

#[tokio::test]
async fn an_endpoint_is_created_changed_and_deleted() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let body =
        json!({"url": "https://Hooks.acme.example:443/muster", "event_types": ["membership.*"]});
    let made = root.post("/webhook-endpoints", body).await.expect(201);
    let path = made.headers["location"].clone();
    let mut shown = made.body.clone();
    let secret = shown.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"));
    let now = &shown["created_at"];
    assert_eq!(
        shown,
        json!({
            "id": path.strip_prefix("/webhook-endpoints/"),
            "tenant_id": "acme",
            "organization_id": null,
            "url": URL,
            "description": null,
            "event_types": ["membership.*"],
            "status": "enabled",
            "disabled_reason": null,
            "last_success_at": null,
            "last_failure_at": null,
            "failing_since": null,
            "version": 1,
            "created_by": "root",
            "created_at": now,
            "updated_at": now,
        })
    );
    assert_eq!(root.get(&path).await.expect(200).body, shown);
    assert_eq!(root.all("/webhook-endpoints").await, [shown]);

    let change = json!({"status": "disabled", "description": "Down", "event_types": ["*"]});
    let changed = root.patch(&path, change.clone()).await.expect(200);
    assert_eq!(changed.body["version"], 2);
    assert_eq!(changed.body["disabled_reason"], "requested");
    // Nothing changes, so there is no event and no new version.
    let same = root.patch(&path, change).await.expect(200);
    assert_eq!(same.body, changed.body);
    let enabled = json!({"status": "enabled", "description": null});
    let enabled = root.patch(&path, enabled).await.expect(200);
    assert_eq!(enabled.body["disabled_reason"], Value::Null);

    root.delete(&path).await.expect(204);
    root.get(&path).await.problem(404, "not-found");
    root.delete(&path).await.problem(404, "not-found");
    root.patch(&path, json!({})).await.problem(404, "not-found");
    let left = root.all("/webhook-endpoints").await;
    assert!(left.is_empty(), "{left:?}");

    let events = events(&world).await;
    let types: Vec<_> = events
        .iter()
        .map(|event| event[0].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "webhook_endpoint.created",
            "webhook_endpoint.updated",
            "webhook_endpoint.updated",
            "webhook_endpoint.deleted",
        ]
    );
    assert!(events.iter().all(|event| event[1] == "root"), "{events:?}");
    assert_eq!(
        events[1][2]["status"],
        json!({"from": "enabled", "to": "disabled"})
    );
}

#[tokio::test]
async fn only_tenant_admins_manage_endpoints() {
    let (world, ada, _) = World::acme().await;
    let (path, _) = endpoint(&world, all_events(URL)).await;
    let before = world.everything().await;
    let other = world.tenant_admin_of("acme2");
    for (actor, status, code) in [(&ada, 403, "forbidden"), (&other, 404, "not-found")] {
        actor.get(&path).await.problem(status, code);
        actor.delete(&path).await.problem(status, code);
        let change = json!({"status": "disabled"});
        actor.patch(&path, change).await.problem(status, code);
        for action in ["rotate-secret", "test"] {
            let action = format!("{path}/{action}");
            actor.post_empty(&action).await.problem(status, code);
        }
        let deliveries = format!("{path}/deliveries");
        actor.get(&deliveries).await.problem(status, code);
    }
    ada.get("/webhook-endpoints")
        .await
        .problem(403, "forbidden");
    let refused = ada.post("/webhook-endpoints", all_events(URL)).await;
    refused.problem(403, "forbidden");
    assert!(other.all("/webhook-endpoints").await.is_empty());
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn invalid_endpoints_are_refused_with_the_field() {
    let (world, _, organization) = World::acme().await;
    let root = world.tenant_admin();
    let before = world.everything().await;
    for (body, field) in [
        (json!({"event_types": ["*"]}), "/url"),
        (json!({"url": URL}), "/event_types"),
        (all_events("http://hooks.acme.example/"), "/url"),
        (all_events("https://hooks.acme.example:8443/"), "/url"),
        (all_events("https://ada:pw@hooks.acme.example/"), "/url"),
        (all_events("https://10.0.0.1/"), "/url"),
        (all_events("https://[fd00:ec2::254]/"), "/url"),
        (all_events("https://0xa9fea9fe/"), "/url"),
        (all_events("https://db.internal/"), "/url"),
        (all_events("https://db/"), "/url"),
        (json!({"url": URL, "event_types": []}), "/event_types"),
        (
            json!({"url": URL, "event_types": ["member*"]}),
            "/event_types",
        ),
        (json!({"url": URL, "event_types": ["*"], "x": 1}), "/x"),
        (
            json!({"url": URL, "event_types": ["*"], "secret": "s"}),
            "/secret",
        ),
        (
            json!({"url": URL, "event_types": ["*"], "organization_id": "none"}),
            "/organization_id",
        ),
    ] {
        let reply = root.post("/webhook-endpoints", body.clone()).await;
        let problem = reply.problem(400, "validation-failed");
        assert_eq!(problem.body["errors"][0]["pointer"], field, "{body}");
    }
    assert_eq!(world.everything().await, before);

    let mut body = all_events(URL);
    body["organization_id"] = json!(organization);
    let (path, _) = endpoint(&world, body).await;
    for (change, field) in [
        (json!({"url": "https://127.0.0.2.internal/"}), "/url"),
        (json!({"url": null}), "/url"),
        (json!({"event_types": null}), "/event_types"),
        (json!({"status": "failing"}), "/status"),
        (json!({"organization_id": null}), "/organization_id"),
    ] {
        let problem = root
            .patch(&path, change)
            .await
            .problem(400, "validation-failed");
        assert_eq!(problem.body["errors"][0]["pointer"], field);
    }
}

#[tokio::test]
async fn of_many_creations_at_once_20_succeed() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let made = times(30, &root, |root, _| async move {
        root.post("/webhook-endpoints", all_events(URL)).await
    })
    .await;
    let created = made.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(created, 20, "{:?}", statuses(&made));
    for reply in made.into_iter().filter(|reply| reply.status != 201) {
        reply.problem(409, "limit-reached");
    }
    let all = root.all("/webhook-endpoints?limit=7").await;
    assert_eq!(all.len(), 20);
    // Another tenant has its own limit, and a deleted endpoint makes room.
    let other = world.tenant_admin_of("acme2");
    other
        .post("/webhook-endpoints", all_events(URL))
        .await
        .expect(201);
    let path = format!("/webhook-endpoints/{}", all[0]["id"].as_str().unwrap());
    times(3, &root, move |root, _| {
        let path = path.clone();
        async move { root.delete(&path).await }
    })
    .await;
    root.post("/webhook-endpoints", all_events(URL))
        .await
        .expect(201);
    let full = root.post("/webhook-endpoints", all_events(URL)).await;
    full.problem(409, "limit-reached");
}

#[tokio::test]
async fn a_repeated_creation_returns_the_same_secret() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let replies = times(5, &root, |root, _| async move {
        root.post_once("/webhook-endpoints", "k", all_events(URL))
            .await
    })
    .await;
    for reply in &replies {
        assert_eq!(reply.status, 201);
        assert_eq!(reply.body, replies[0].body);
    }
    assert_eq!(root.all("/webhook-endpoints").await.len(), 1);
    let other = all_events("https://other.example/");
    let other = root.post_once("/webhook-endpoints", "k", other).await;
    other.problem(422, "idempotency-mismatch");
}

#[tokio::test]
async fn of_changes_at_once_each_is_applied_or_refused() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (path, _) = endpoint(&world, all_events(URL)).await;
    let replies = times(6, &root, |root, n| {
        let (path, change) = (path.clone(), json!({"description": format!("text {n}")}));
        async move { root.patch(&path, change).await }
    })
    .await;
    let applied = replies.iter().filter(|reply| reply.status == 200).count();
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["version"], applied + 1);
    let request = root
        .request(reqwest::Method::PATCH, &path)
        .header("if-match", "\"1\"")
        .json(&json!({"description": "late"}));
    root.send(request).await.problem(412, "version-mismatch");
}

/// A change that was read before a delivery failed keeps what the delivery wrote.
#[tokio::test]
async fn a_change_keeps_since_when_an_endpoint_fails() {
    for change in ["update", "rotate"] {
        let (world, faults) = Faults::world(crate::faults::in_a_hurry()).await;
        let root = world.tenant_admin();
        let receiver = Receiver::answering(|_| StatusCode::BAD_GATEWAY).await;
        let (path, _) = endpoint(&world, all_events(&receiver.url)).await;
        let event = some_event(&world).await;
        let mut held = faults.hold("TransactWriteItems webhook_endpoint");
        let changing = tokio::spawn({
            let (root, path) = (root.clone(), path.clone());
            async move {
                if change == "rotate" {
                    root.post_empty(&format!("{path}/rotate-secret")).await
                } else {
                    root.patch(&path, json!({"description": "Billing"})).await
                }
            }
        });
        held.arrived().await;
        deliver(&world, &path, &event, 1, LONG_AGO).await;
        held.release();
        changing.await.unwrap().expect(200);
        let shown = root.get(&path).await.expect(200).body;
        assert_eq!(shown["version"], 2, "{change}");
        assert!(shown["failing_since"].is_string(), "{change}: {shown}");
    }
}

#[tokio::test]
async fn an_enabled_endpoint_starts_without_failures() {
    starts_without_failures(async |root, path, _| {
        for status in ["disabled", "enabled"] {
            let change = json!({"status": status});
            let shown = root.patch(path, change).await.expect(200).body;
            assert_eq!(shown["failing_since"].is_null(), status == "enabled");
        }
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_with_another_url_starts_without_failures() {
    starts_without_failures(async |root, path, url| {
        let same = json!({"url": url, "description": "Billing"});
        let shown = root.patch(path, same).await.expect(200).body;
        assert!(shown["failing_since"].is_string(), "{shown}");
        let change = json!({"url": format!("{url}?version=2")});
        let shown = root.patch(path, change).await.expect(200).body;
        assert!(shown["failing_since"].is_null(), "{shown}");
    })
    .await;
}

/// An endpoint fails, and its messages are held back. After the change it gets a message at once.
async fn starts_without_failures(change: impl AsyncFn(&Actor, &str, &str)) {
    use aws_sdk_dynamodb::types::AttributeValue;

    let world = World::start().await;
    let root = world.tenant_admin();
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&world, all_events(&receiver.url)).await;
    let event = some_event(&world).await;
    let id = path.strip_prefix("/webhook-endpoints/").unwrap();
    let (pk, sk) = ("TENANT#acme#WEBHOOKS", format!("ENDPOINT#{id}"));
    let later = || AttributeValue::S("2999-01-01T00:00:00.000Z".to_owned());
    for (attribute, value) in [
        ("failing_since", AttributeValue::S(LONG_AGO.to_owned())),
        ("held_until", later()),
        ("timeouts", AttributeValue::N("9".to_owned())),
    ] {
        world.tamper(pk, &sk, attribute, value).await;
    }
    change(&root, &path, &receiver.url).await;
    let items = world.items().await;
    let stored = items.iter().find(|item| item["sk"] == sk.as_str()).unwrap();
    for attribute in ["failing_since", "held_until", "timeouts"] {
        assert!(!stored.contains_key(attribute), "{stored:?}");
    }
    deliver(&world, &path, &event, 1, LONG_AGO).await;
    assert_eq!(receiver.received().len(), 1);
}

/// The URL changes while the server of the previous one answers.
#[tokio::test]
async fn a_410_of_the_previous_url_disables_nothing() {
    let (world, faults) = Faults::world(crate::faults::in_a_hurry()).await;
    let root = world.tenant_admin();
    let previous = Receiver::answering(|_| StatusCode::GONE).await;
    let next = Receiver::start().await;
    let (path, _) = endpoint(&world, all_events(&previous.url)).await;
    let event = some_event(&world).await;
    let mut held = faults.hold("UpdateItem failing_since");
    let delivery = deliver(&world, &path, &event, 1, LONG_AGO);
    let change = async {
        held.arrived().await;
        let change = json!({"url": next.url});
        root.patch(&path, change).await.expect(200);
        held.release();
    };
    let (answer, ()) = tokio::join!(delivery, change);
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "enabled", "{shown}");
    let waiting = root.get(&format!("{path}/deliveries?status=pending")).await;
    let waiting = waiting.expect(200).body;
    assert!(
        waiting["items"][0]["next_attempt_at"].is_string(),
        "{waiting}"
    );
    deliver(&world, &path, &event, 2, LONG_AGO).await;
    assert_eq!((previous.received().len(), next.received().len()), (1, 1));
}
