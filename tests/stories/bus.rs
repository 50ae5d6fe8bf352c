//! Events in the table's stream reach the event bus, also when a part of the way fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use muster::domain::Clock;
use muster_local::{CallFault, Handler, Options, ServiceFaults, StartFunction, TEMPLATE};
use serde_json::{Value, json};
use support::{Lines, Receiver, World, at_once};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::webhooks::deliveries::until;
use crate::webhooks::endpoint;

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
async fn a_poison_record_is_set_aside_and_the_rest_published() {
    let (options, lines) = Lines::collect(options());
    let world = World::with(options).await;
    let first = put_event(&world).await;
    let poison = put(&world, |_| r#"{"actor": "Ada Lovelace""#.to_owned()).await;
    let last = put_event(&world).await;
    wait_for(&world, 2).await;
    let mut ids = published(&world).await;
    ids.sort();
    let mut expected = vec![first, last];
    expected.sort();
    assert_eq!(ids, expected);
    let message = failure(&world).await;
    assert_eq!(message["keys"]["sk"]["S"], *poison);
    let reason = "the record or its personal details cannot be read: line 1, column 24";
    assert_eq!(message["reason"], reason);
    assert!(!message.to_string().contains("Lovelace"));

    let lines = lines.take();
    let aside = lines.iter().find(|line| line["code"] == "event-set-aside");
    let error = aside.unwrap()["error"].as_str().unwrap();
    assert!(error.ends_with(reason), "{error}");
    let all = json!(lines).to_string();
    assert!(!all.contains("Lovelace") && !all.contains("Ada"), "{all}");
}

#[tokio::test]
async fn entries_that_fail_in_part_are_retried_by_themselves() {
    let records: Vec<_> = (0..4).map(|_| record(new_id())).collect();
    let ids: Vec<_> = records
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect();
    let known = ids.clone();
    let faults = entry_faults(
        move |id, count| match known.iter().position(|it| it == id) {
            Some(1) if count <= 2 => Some("ThrottlingException"),
            Some(2) => Some("NotAuthorizedForDetailTypeException"),
            Some(3) if count <= 1 => Some("InternalFailure"),
            _ => None,
        },
    );
    let world = World::with(Options {
        service_faults: faults,
        ..Options::default()
    })
    .await;
    let answer = world.invoke("publish-events", &batch(&records)).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(published(&world).await, [&*ids[0], &ids[3], &ids[1]]);
    let message = failure(&world).await;
    assert_eq!(message["keys"]["sk"]["S"], *ids[2]);
    assert_eq!(message["reason"], "NotAuthorizedForDetailTypeException");
}

#[tokio::test]
async fn an_entry_that_still_fails_is_returned() {
    let records: Vec<_> = (0..3).map(|_| record(new_id())).collect();
    let stuck = records[1]["id"].as_str().unwrap().to_owned();
    let faults = entry_faults(move |id, _| (id == stuck).then_some("InternalFailure"));
    let world = World::with(Options {
        service_faults: faults,
        ..with_template("Timeout: 30", "Timeout: 5")
    });
    let world = world.await;
    let answer = world.invoke("publish-events", &batch(&records)).await;
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "1"}]})
    );
    assert_eq!(published(&world).await.len(), 2);
}

#[tokio::test]
async fn a_failed_queue_of_failures_returns_the_record() {
    let call = |operation: &str| {
        let error = CallFault::Error(500, "InternalError".to_owned());
        (operation == "SendMessageBatch").then_some(error)
    };
    let faults = ServiceFaults {
        call: Some(Arc::new(call)),
        ..ServiceFaults::default()
    };
    let world = World::with(Options {
        service_faults: faults,
        ..with_template("Timeout: 30", "Timeout: 5")
    });
    let world = world.await;
    let mut records = vec![record(new_id()), record(new_id())];
    records[0]["occurred_at"] = json!("yesterday");
    let answer = world.invoke("publish-events", &batch(&records)).await;
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "0"}]})
    );
    assert_eq!(published(&world).await.len(), 1);
}

/// The time is short, and so is that of the function: the batch fails again and again, as in an outage of an hour.
#[tokio::test]
async fn a_bus_that_was_down_gets_every_event() {
    let down = Arc::new(AtomicBool::new(true));
    let failed = Arc::new(AtomicUsize::new(0));
    let (is_down, count) = (Arc::clone(&down), Arc::clone(&failed));
    let call = move |operation: &str| {
        if operation != "PutEvents" || !is_down.load(Ordering::SeqCst) {
            return None;
        }
        // One call in three gets no answer, the others an error.
        Some(match count.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => CallFault::Hang,
            1 => CallFault::Error(503, "ServiceUnavailable".to_owned()),
            _ => CallFault::Error(400, "AccessDeniedException".to_owned()),
        })
    };
    let faults = ServiceFaults {
        call: Some(Arc::new(call)),
        ..ServiceFaults::default()
    };
    let options = with_template("Timeout: 30", "Timeout: 5");
    let world = World::with(Options {
        service_faults: faults,
        ..options
    })
    .await;
    let mut written = Vec::new();
    for _ in 0..20 {
        written.push(put_event(&world).await);
        sleep(Duration::from_millis(200)).await;
    }
    assert!(failed.load(Ordering::SeqCst) > 3);
    assert_eq!(entries(&world).await.len(), 0);
    down.store(false, Ordering::SeqCst);
    wait_for(&world, written.len()).await;
    let mut arrived = published(&world).await;
    arrived.sort();
    arrived.dedup();
    written.sort();
    assert_eq!(arrived, written);
    // Nothing is stuck: a new event is published at once.
    let started = Instant::now();
    let id = put_event(&world).await;
    while !published(&world).await.contains(&id) {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    }
}

/// The first instance ends after it put the events on the bus, before it queued their webhooks or answered.
#[tokio::test]
async fn a_crash_after_publishing_loses_no_event() {
    let (crash, is_first) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
    let (crashes, first) = (Arc::clone(&crash), Arc::clone(&is_first));
    let call = move |operation: &str| {
        let is_crash = operation == "SendMessageBatch" && first.swap(false, Ordering::SeqCst);
        is_crash.then(|| {
            crashes.notify_one();
            CallFault::Hang
        })
    };
    let start: StartFunction = Arc::new(move |app, variables| {
        let mut all = muster_functions::functions().iter();
        let real = all.find(|it| it.name == "publish-events").unwrap();
        let before = real.start(app.clone(), variables)?;
        let after = real.start(app, variables)?;
        let (crash, is_first) = (Arc::clone(&crash), Arc::clone(&is_first));
        Ok(Arc::new(move |event, context| {
            let crash = Arc::clone(&crash);
            if !is_first.load(Ordering::SeqCst) {
                return after(event, context);
            }
            let answer = before(event, context);
            Box::pin(async move {
                tokio::select! {
                    answer = answer => answer,
                    () = crash.notified() => Err("the instance crashed".into()),
                }
            })
        }))
    });
    let mut options = options();
    options.service_faults.call = Some(Arc::new(call));
    options.starts.insert("publish-events", start);
    let world = World::with(options).await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    endpoint(&world, body).await;
    let root = world.tenant_admin();
    let made = (0..5).map(|n| {
        let root = root.clone();
        async move {
            root.post("/teams", json!({"name": format!("Team {n}")}))
                .await
        }
    });
    for reply in at_once(made).await {
        reply.expect(201);
    }
    let mut written: Vec<_> = root.all("/events").await;
    written.retain(|event| event["type"] == "team.created");
    let mut written: Vec<_> = written
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    written.sort_unstable();
    assert_eq!(written.len(), 5);
    until(async || {
        let mut got: Vec<_> = receiver
            .received()
            .iter()
            .map(|it| it.header("webhook-id").to_owned())
            .collect();
        got.sort();
        got.dedup();
        (got == written).then_some(())
    })
    .await;
    let mut arrived = published(&world).await;
    arrived.retain(|id| written.contains(&id.as_str()));
    let all = arrived.len();
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived, written);
    // The first instance had put some of them there.
    assert!(all > written.len(), "{all}");
}

/// A handler in place of `publish-events` that fails for a batch with one record, and counts the others.
#[tokio::test]
async fn a_record_that_ends_the_function_is_isolated() {
    let done: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&done);
    let handler = Handler::new(move |event: Value, _| {
        let done = Arc::clone(&kept);
        async move {
            let records = event["Records"].as_array().unwrap();
            let ids = records
                .iter()
                .map(|it| it["dynamodb"]["NewImage"]["sk"]["S"].as_str().unwrap());
            let ids: Vec<_> = ids.map(str::to_owned).collect();
            if event.to_string().contains("crash") {
                return Err("crashed".into());
            }
            done.lock().unwrap().extend(ids);
            Ok(json!(null))
        }
    });
    let mut options = with_template("MaximumRetryAttempts: 1000", "MaximumRetryAttempts: 1");
    options.template = options
        .template
        .replace("ParallelizationFactor: 4", "ParallelizationFactor: 1");
    options
        .handlers
        .insert("publish-events".to_owned(), handler);
    let world = World::with(options).await;
    let mut good = Vec::new();
    for _ in 0..5 {
        good.push(put_event(&world).await);
    }
    let crash = put(&world, |_| "crash".to_owned()).await;
    for _ in 0..5 {
        good.push(put_event(&world).await);
    }
    let message = failure(&world).await;
    assert_eq!(
        message["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    let info = &message["DDBStreamBatchInfo"];
    assert_eq!(info["batchSize"], 1);
    assert_eq!(info["startSequenceNumber"], info["endSequenceNumber"]);
    let until = Instant::now() + PATIENCE;
    while done.lock().unwrap().len() < good.len() && Instant::now() < until {
        sleep(Duration::from_millis(20)).await;
    }
    let done = done.lock().unwrap().clone();
    assert_eq!(done, good);
    assert!(!done.contains(&crash));
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
