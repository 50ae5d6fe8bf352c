//! Events arrive at webhook endpoints: from the table's stream over the queue.

use std::time::Duration;

use axum::http::StatusCode;
use muster::domain::Timestamp;
use muster_local::Options;
use serde_json::{Value, json};
use support::{Received, Receiver, World};
use tokio::time::{Instant, sleep};

use super::{all_events, endpoint};
use crate::invitations::by_email::{Calendar, DAY};

/// The time that a busy machine may take to deliver.
const PATIENCE: Duration = Duration::from_mins(2);

/// A stack that runs its event source mappings.
pub(crate) async fn running() -> World {
    World::with(Options {
        event_sources: true,
        ..Options::default()
    })
    .await
}

/// Waits until there is a result.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(check: impl Fn() -> F) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the receiver has this many webhooks.
pub(crate) async fn received(receiver: &Receiver, count: usize) -> Vec<Received> {
    until(|| async { Some(receiver.received()).filter(|it| it.len() >= count) }).await
}

/// Waits until an endpoint has this many deliveries with a status.
pub(crate) async fn deliveries(
    world: &World,
    path: &str,
    status: &str,
    count: usize,
) -> Vec<Value> {
    let root = world.tenant_admin();
    let path = format!("{path}/deliveries?status={status}");
    until(|| async { Some(root.all(&path).await).filter(|it| it.len() >= count) }).await
}

pub(crate) async fn team(world: &World, name: &str) {
    let root = world.tenant_admin();
    root.post("/teams", json!({"name": name})).await.expect(201);
}

fn body(received: &Received) -> Value {
    serde_json::from_str(&received.body).unwrap()
}

#[tokio::test]
async fn an_event_arrives_signed_at_each_matching_endpoint() {
    let world = running().await;
    let root = world.tenant_admin();
    let organization = world.organization(&world.user("ada"), "Acme").await;
    let [teams, everything, of_organization, disabled] = [
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    ];
    let (path, secret) =
        endpoint(&world, json!({"url": teams.url, "event_types": ["team.*"]})).await;
    endpoint(&world, json!({"url": everything.url, "event_types": ["*"]})).await;
    let body_of_one = json!({
        "url": of_organization.url,
        "event_types": ["team.created"],
        "organization_id": organization,
    });
    endpoint(&world, body_of_one).await;
    let (off, _) = endpoint(&world, json!({"url": disabled.url, "event_types": ["*"]})).await;
    root.patch(&off, json!({"status": "disabled"}))
        .await
        .expect(200);
    team(&world, "Standalone").await;
    let teams_path = format!("/organizations/{organization}/teams");
    root.post(&teams_path, json!({"name": "Engines"}))
        .await
        .expect(201);

    let two = received(&teams, 2).await;
    let mut names = Vec::new();
    for one in &two {
        one.is_signed_with(&[&secret]);
        let body = body(one);
        assert_eq!(body["type"], "team.created");
        assert_eq!(body["timestamp"], body["data"]["occurred_at"]);
        assert_eq!(body["data"]["id"], one.header("webhook-id"));
        // The body has the same record as the audit log.
        let event = format!("/events/{}", one.header("webhook-id"));
        assert_eq!(body["data"], root.get(&event).await.expect(200).body);
        names.push(body["data"]["targets"][0]["name"].clone());
    }
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["Engines", "Standalone"]);
    let one = received(&of_organization, 1).await;
    assert_eq!(
        body(&one[0])["data"]["organization_id"],
        json!(organization)
    );

    let shown = deliveries(&world, &path, "delivered", 2).await;
    for one in &shown {
        assert_eq!(one["attempts"], 1);
        assert_eq!(one["response_status"], 204);
        assert_eq!(one["next_attempt_at"], Value::Null);
    }
    let endpoint = root.get(&path).await.expect(200).body;
    assert!(endpoint["last_success_at"].is_string(), "{endpoint}");
    assert_eq!(endpoint["failing_since"], Value::Null);
    // Events of endpoints are events too.
    received(&everything, 5).await;
    assert_eq!(of_organization.received().len(), 1);
    // Before it was disabled it may have received the event of its own creation.
    let others = disabled.received();
    let types = others.iter().map(|one| body(one)["type"].clone());
    let types: Vec<_> = types
        .filter(|it| *it != "webhook_endpoint.created")
        .collect();
    assert!(types.is_empty(), "{types:?}");
}

#[tokio::test]
async fn a_failed_delivery_is_retried_with_the_same_id() {
    let world = running().await;
    let root = world.tenant_admin();
    let ids = std::sync::Mutex::new(std::collections::HashSet::new());
    let receiver = Receiver::answering(move |webhook| {
        let is_new = ids
            .lock()
            .unwrap()
            .insert(webhook.header("webhook-id").to_owned());
        if is_new {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    })
    .await;
    let (path, _) = endpoint(
        &world,
        json!({"url": receiver.url, "event_types": ["team.*"]}),
    )
    .await;
    team(&world, "Engines").await;
    let waits = deliveries(&world, &path, "pending", 1).await;
    assert_eq!(waits[0]["response_status"], 503);
    assert!(waits[0]["next_attempt_at"].is_string(), "{waits:?}");
    let failing = root.get(&path).await.expect(200).body;
    assert!(failing["failing_since"].is_string(), "{failing}");

    let both = received(&receiver, 2).await;
    assert_eq!(both[0].body, both[1].body);
    assert_eq!(both[0].header("webhook-id"), both[1].header("webhook-id"));
    let time = |one: &Received| one.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!(time(&both[1]) - time(&both[0]) >= 4, "{both:?}");
    let done = deliveries(&world, &path, "delivered", 1).await;
    assert_eq!(done[0]["attempts"], 2);
    let recovered = root.get(&path).await.expect(200).body;
    assert_eq!(recovered["failing_since"], Value::Null);
}

/// The body of a message of the queue.
pub(crate) fn task(path: &str, event: &Value, attempt: u32, due_at: &str) -> Value {
    json!({
        "tenant_id": "acme",
        "endpoint_id": path.strip_prefix("/webhook-endpoints/"),
        "event": event,
        "attempt": attempt,
        "due_at": due_at,
    })
}

/// Invokes the function with one message, as Lambda does.
pub(crate) async fn deliver(
    world: &World,
    path: &str,
    event: &Value,
    attempt: u32,
    due_at: &str,
) -> Value {
    let task = task(path, event, attempt, due_at);
    let record = json!({"messageId": "m1", "body": task.to_string()});
    world
        .invoke("deliver-webhook", &json!({"Records": [record]}))
        .await
}

pub(crate) const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";

/// An event of the audit log.
pub(crate) async fn some_event(world: &World) -> Value {
    team(world, "Engines").await;
    let root = world.tenant_admin();
    let events = root.get("/events?type=team.created").await;
    events.expect(200).body["items"][0].clone()
}

#[tokio::test]
async fn the_last_attempt_sets_the_message_aside() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_| StatusCode::BAD_GATEWAY).await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    for (attempt, status) in [(7, "pending"), (8, "failed")] {
        let answer = deliver(&world, &path, &event, attempt, LONG_AGO).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        let one = deliveries(&world, &path, status, 1).await;
        assert_eq!(one[0]["attempts"], attempt);
        assert_eq!(one[0]["next_attempt_at"].is_null(), status == "failed");
    }
    assert_eq!(receiver.received().len(), 2);
}

/// The next attempt waits as long as the endpoint asks for, up to the wait after it: 5 minutes after the first.
#[tokio::test]
async fn an_endpoint_can_ask_for_a_later_attempt() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let world = World::start().await;
    let event = some_event(&world).await;
    for (asked, least, most) in [("120", 120, 144), ("86400", 300, 360), ("0", 5, 6)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let answer = format!(
                "HTTP/1.1 503 Busy\r\nretry-after: {asked}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let (path, _) = endpoint(&world, all_events(&url)).await;
        deliver(&world, &path, &event, 1, LONG_AGO).await;
        server.await.unwrap();
        let waiting = deliveries(&world, &path, "pending", 1).await.remove(0);
        assert_eq!(waiting["response_status"], 503);
        let at = |name: &str| {
            let at: Timestamp = waiting[name].as_str().unwrap().parse().unwrap();
            at.as_second()
        };
        let wait = at("next_attempt_at") - at("last_attempt_at");
        assert!((least..=most + 1).contains(&wait), "{asked}: {wait}");
    }
}

#[tokio::test]
async fn a_delivery_is_kept_14_days_after_its_last_attempt() {
    let (world, calendar) = Calendar::with(&[]).await;
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR).await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    for attempt in [1, 2] {
        calendar.pass(DAY);
        deliver(&world, &path, &event, attempt, LONG_AGO).await;
        let items = world.items().await;
        let stored = items.iter().find(|it| it.contains_key("last_attempt_at"));
        let stored = stored.unwrap();
        assert_eq!(stored["attempts"], attempt);
        let at: Timestamp = stored["last_attempt_at"].as_str().unwrap().parse().unwrap();
        let until = at.as_second() + 14 * 24 * 60 * 60;
        assert_eq!(stored["expires_at"], until, "{stored:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_not_due_waits_in_the_queue() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    let answer = deliver(&world, &path, &event, 2, "2999-01-01T00:00:00.000Z").await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(receiver.received().len(), 0);
    let unreadable = json!({"Records": [{"messageId": "m1", "body": "{}"}]});
    let answer = world.invoke("deliver-webhook", &unreadable).await;
    assert_eq!(
        answer["batchItemFailures"],
        json!([{"itemIdentifier": "m1"}])
    );
}
