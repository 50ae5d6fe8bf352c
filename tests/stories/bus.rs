//! Events in the table's stream reach the event bus, also when a part of the way fails.

mod failures;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use muster::domain::Clock;
use muster_local::{Options, ServiceFaults, TEMPLATE};
use serde_json::{Value, json};
use support::{Lines, World};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Longer than everything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);
const ORGANIZATION: &str = "01938f00-0000-7000-8000-000000000001";

fn options() -> Options {
    Options {
        event_sources: true,
        ..Options::default()
    }
}

/// With a change of the template.
fn with_template(from: &str, to: &str) -> Options {
    assert!(TEMPLATE.contains(from), "{from}");
    Options {
        template: TEMPLATE.replace(from, to),
        ..options()
    }
}

fn new_id() -> Uuid {
    Clock::system().new_id()
}

/// The record of an event, without personal details.
fn record(id: Uuid) -> Value {
    json!({
        "id": id.to_string(), "type": "membership.role_changed", "tenant_id": "acme", "organization_id": ORGANIZATION,
        "occurred_at": "2026-11-28T02:43:00.123Z",
        "actor": {"type": "user", "id": "ada"},
        "targets": [{"type": "user", "id": "bob"}, {"type": "organization", "id": ORGANIZATION, "name": "Rockets"}],
        "changes": {"role": {"from": "member", "to": "admin"}},
        "context": {"request_id": "r-1", "operation": "updateMember"},
        "resource_version": 4,
    })
}

/// Puts the item of an event into the table, and returns its id.
async fn put(world: &World, stored: impl Fn(Uuid) -> String) -> String {
    let id = new_id();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let name = id.to_string();
    let partition = name.chars().last().unwrap();
    let personal =
        json!({"actor_name": "Ada", "names": {"bob": "Bob"}, "source_ip": "203.0.113.5"});
    let put = world.stack.client().put_item();
    put.table_name(world.stack.table_name())
        .item("pk", text(&format!("TENANT#acme#!EVENTS#{partition}")))
        .item("sk", text(&name))
        .item("record", text(&stored(id)))
        .item("personal", text(&personal.to_string()))
        .item("type", text("membership.role_changed"))
        .item("actor_id", text("ada"))
        .item("user_ids", AttributeValue::Ss(vec!["bob".to_owned()]))
        .send()
        .await
        .unwrap();
    name
}

async fn put_event(world: &World) -> String {
    put(world, |id| record(id).to_string()).await
}

/// The entries on the bus, newest first.
async fn entries(world: &World) -> Vec<Value> {
    let url = format!("{}/_local/events", world.stack.url());
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["items"].as_array().unwrap().clone()
}

/// The ids of the events on the bus, oldest first.
async fn published(world: &World) -> Vec<String> {
    let entries = entries(world).await.into_iter().rev();
    let ids = entries.map(|entry| {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        detail["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

/// Waits until the bus has this many entries.
async fn wait_for(world: &World, count: usize) {
    let until = Instant::now() + PATIENCE;
    while entries(world).await.len() < count {
        assert!(Instant::now() < until, "{:?}", entries(world).await);
        sleep(Duration::from_millis(20)).await;
    }
}

fn queues(world: &World) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(world.stack.services_url());
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Waits for the next message of the queue of failures.
async fn failure(world: &World) -> Value {
    let receive = queues(world).receive_message().queue_url("EventFailures");
    let until = Instant::now() + PATIENCE;
    loop {
        let received = receive.clone().wait_time_seconds(5).send().await.unwrap();
        if let [message] = received.messages() {
            return serde_json::from_str(message.body().unwrap()).unwrap();
        }
        assert!(Instant::now() < until, "no message");
    }
}

/// A batch of the stream with these records.
fn batch(records: &[Value]) -> Value {
    let records = records.iter().enumerate().map(|(index, record)| {
        let image = json!({"record": {"S": record.to_string()}});
        json!({"eventName": "INSERT", "dynamodb": {
            "SequenceNumber": format!("{index}"), "Keys": {"sk": {"S": record["id"]}}, "NewImage": image,
        }})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// A fault of single entries: the code for the event with an id.
fn entry_faults(
    fault: impl Fn(&str, usize) -> Option<&'static str> + Send + Sync + 'static,
) -> ServiceFaults {
    let calls: Arc<std::sync::Mutex<BTreeMap<String, usize>>> = Arc::default();
    ServiceFaults {
        entry: Some(Arc::new(move |_, entry| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str()?).ok()?;
            let id = detail["id"].as_str()?.to_owned();
            let mut calls = calls.lock().unwrap();
            let count = calls.entry(id.clone()).or_default();
            *count += 1;
            fault(&id, *count).map(str::to_owned)
        })),
        ..ServiceFaults::default()
    }
}

#[tokio::test]
async fn an_event_is_published_exactly_as_its_record() {
    let world = World::with(options()).await;
    let id = put_event(&world).await;
    wait_for(&world, 1).await;
    let entry = entries(&world).await.remove(0);
    assert_eq!(entry["Source"], "muster");
    assert_eq!(entry["DetailType"], "membership.role_changed");
    assert_eq!(entry["Time"], "2026-11-28T02:43:00.123Z");
    assert_eq!(entry["EventBusName"], "muster-events");
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    let mut expected = record(id.parse().unwrap());
    expected["actor"]["name"] = json!("Ada");
    expected["targets"][0]["name"] = json!("Bob");
    expected["context"]["source_ip"] = json!("203.0.113.5");
    assert_eq!(detail, expected);
}

#[tokio::test]
async fn a_change_is_published_as_the_api_shows_it() {
    let world = World::with(options()).await;
    let owner = world.user("ada");
    world.register(&["ada"]).await;
    world.organization(&owner, "Rockets").await;
    let mut shown = world.tenant_admin().all("/events").await;
    assert!(shown.len() >= 2, "{shown:?}");
    wait_for(&world, shown.len()).await;
    let mut arrived: Vec<Value> = Vec::new();
    for entry in entries(&world).await {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(entry["DetailType"], detail["type"]);
        assert_eq!(entry["Time"], detail["occurred_at"]);
        arrived.push(detail);
    }
    let by_id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    arrived.sort_by_key(by_id);
    shown.sort_by_key(by_id);
    assert_eq!(arrived, shown);
}

#[tokio::test]
async fn only_inserted_events_are_published() {
    let world = World::with(options()).await;
    let id = put_event(&world).await;
    let partition = id.chars().last().unwrap();
    let pk = format!("TENANT#acme#!EVENTS#{partition}");
    world
        .tamper(&pk, &id, "personal", AttributeValue::S("{}".to_owned()))
        .await;
    put_event(&world).await;
    wait_for(&world, 2).await;
    let ids = published(&world).await;
    assert_eq!(ids.iter().filter(|it| **it == id).count(), 1, "{ids:?}");
}

#[tokio::test]
async fn events_of_a_partition_keep_their_order() {
    let world = World::with(options()).await;
    let mut written = Vec::new();
    for _ in 0..60 {
        written.push(put_event(&world).await);
    }
    wait_for(&world, written.len()).await;
    let arrived = published(&world).await;
    for partition in "0123456789abcdef".chars() {
        let of_partition = |ids: &[String]| {
            let ids = ids.iter().filter(|id| id.ends_with(partition));
            ids.cloned().collect::<Vec<_>>()
        };
        assert_eq!(of_partition(&arrived), of_partition(&written));
    }
}

#[tokio::test]
async fn a_repeated_batch_in_another_order_is_published() {
    let world = World::start().await;
    let mut records: Vec<_> = (0..25).map(|_| record(new_id())).collect();
    let none = json!({"batchItemFailures": []});
    assert_eq!(world.invoke("publish-events", &batch(&records)).await, none);
    records.reverse();
    assert_eq!(world.invoke("publish-events", &batch(&records)).await, none);
    let ids = published(&world).await;
    for record in &records {
        let same = ids
            .iter()
            .filter(|id| **id == record["id"].as_str().unwrap());
        assert_eq!(same.count(), 2, "{record}");
    }
}

#[tokio::test]
async fn publishing_needs_the_right_of_its_policy() {
    let options = with_template("events:PutEvents", "events:PutRule");
    let template = options.template.replace("Timeout: 30", "Timeout: 5");
    let (options, lines) = Lines::collect(Options {
        template,
        ..Options::default()
    });
    let world = World::with(options).await;
    let answer = world
        .invoke("publish-events", &batch(&[record(new_id())]))
        .await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    assert_eq!(entries(&world).await.len(), 0);
    let lines = lines.take();
    let failure = lines
        .iter()
        .find(|line| line["code"] == "not-published")
        .unwrap();
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .ends_with("AccessDeniedException"),
        "{failure}"
    );
}

#[tokio::test]
async fn the_position_in_the_stream_is_kept_between_runs() {
    let folder = std::env::temp_dir().join(format!("muster-bus-{}", new_id()));
    let data = || Options {
        data: Some(folder.clone()),
        ..options()
    };
    let world = World::with(data()).await;
    put_event(&world).await;
    wait_for(&world, 1).await;
    // A stack that stops before an event is done with publishes it again.
    let file = folder.join("PublishEvents.position");
    let is_done = || std::fs::read_to_string(&file).is_ok_and(|it| it.starts_with("AFTER"));
    let until = Instant::now() + PATIENCE;
    while !is_done() {
        assert!(Instant::now() < until, "no position in {}", file.display());
        sleep(Duration::from_millis(20)).await;
    }
    world.stack.stop().await;
    let world = World::with(data()).await;
    let id = put_event(&world).await;
    wait_for(&world, 1).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(published(&world).await, [id]);
    world.stack.stop().await;
    let _ = std::fs::remove_dir_all(folder);
}
