//! Failures of the bus, of its entries, and of `publish-events`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use muster_local::{CallFault, Handler, Options, ServiceFaults, StartFunction};
use serde_json::{Value, json};
use support::{Lines, Receiver, World, at_once};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::{
    PATIENCE, batch, entries, entry_faults, failure, new_id, options, published, put, put_event,
    record, wait_for, with_template,
};
use crate::webhook_endpoints::deliveries::until;
use crate::webhook_endpoints::endpoint;

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
