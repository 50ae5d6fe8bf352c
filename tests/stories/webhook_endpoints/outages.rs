//! A part of the way to an endpoint fails for a while: nothing is lost, stuck, or sent more often than documented.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use muster_local::{CallFault, Options, ServiceFaults, TEMPLATE};
use serde_json::{Value, json};
use support::{Fault, Faults, Receiver, World};
use tokio::time::sleep;

use super::deliveries::{LONG_AGO, deliver, deliveries, received, some_event, team, until};
use super::endpoint;

/// The ids of the events of new teams on the bus.
async fn published(world: &World) -> Vec<String> {
    let url = format!("{}/_local/events", world.stack.url());
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let entries = answer["items"].as_array().unwrap().iter();
    let teams = entries.filter(|entry| entry["DetailType"] == "team.created");
    let ids = teams.map(|entry| {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        detail["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

/// The time is short, and so is that of the function: the batch fails again and again, as in an outage of an hour.
#[tokio::test]
async fn a_queue_that_was_down_gets_every_event_once() {
    const EVENTS: usize = 20;
    let down = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    let (is_down, count) = (Arc::clone(&down), Arc::clone(&refused));
    let call = move |operation: &str| {
        if operation != "SendMessageBatch" || !is_down.load(Ordering::SeqCst) {
            return None;
        }
        Some(match count.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => CallFault::Hang,
            1 => CallFault::Error(503, "ServiceUnavailable".to_owned()),
            _ => CallFault::Error(403, "AccessDenied".to_owned()),
        })
    };
    let world = World::with(Options {
        event_sources: true,
        template: TEMPLATE.replace("Timeout: 30", "Timeout: 6"),
        service_faults: ServiceFaults {
            call: Some(Arc::new(call)),
            ..ServiceFaults::default()
        },
        ..Options::default()
    })
    .await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (path, _) = endpoint(&world, body).await;

    down.store(true, Ordering::SeqCst);
    for n in 0..EVENTS {
        team(&world, &format!("Team {n}")).await;
        sleep(Duration::from_millis(200)).await;
    }
    until(|| async { (refused.load(Ordering::SeqCst) > 10).then_some(()) }).await;
    assert_eq!(receiver.received().len(), 0);
    down.store(false, Ordering::SeqCst);

    let root = world.tenant_admin();
    let written = root.all("/events?type=team.created").await;
    let written: BTreeSet<_> = written
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(written.len(), EVENTS);
    let arrived: Vec<_> = received(&receiver, EVENTS)
        .await
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(arrived.iter().cloned().collect::<BTreeSet<_>>(), written);
    deliveries(&world, &path, "delivered", EVENTS).await;
    // The batches were sent again and again, but the bus had each event after the first time.
    let on_bus = published(&world).await;
    assert_eq!(on_bus.len(), EVENTS, "{on_bus:?}");
    assert_eq!(on_bus.into_iter().collect::<BTreeSet<_>>(), written);
    // Nothing is stuck: a new event arrives.
    team(&world, "Later").await;
    received(&receiver, arrived.len() + 1).await;
}

/// The function cannot know that the endpoint has the message, so it arrives once more, with the same id.
#[tokio::test]
async fn a_result_that_is_not_written_repeats_the_delivery() {
    let (world, proxy) = Faults::world(crate::faults::in_a_hurry()).await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (path, _) = endpoint(&world, body).await;
    let event = some_event(&world).await;
    proxy.always("UpdateItem", Fault::Throttle);
    let answer = deliver(&world, &path, &event, 1, LONG_AGO).await;
    let again = json!([{"itemIdentifier": "m1"}]);
    assert_eq!(answer["batchItemFailures"], again);
    proxy.stop();
    let answer = deliver(&world, &path, &event, 1, LONG_AGO).await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let [first, second] = &receiver.received()[..] else {
        panic!("two messages")
    };
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    let done = deliveries(&world, &path, "delivered", 1).await;
    assert_eq!((done.len(), &done[0]["attempts"]), (1, &json!(1)));
}

#[tokio::test]
async fn a_result_with_a_lost_response_is_written_once() {
    let (world, proxy) = Faults::world(crate::faults::in_a_hurry()).await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (path, _) = endpoint(&world, body).await;
    let event = some_event(&world).await;
    proxy.next("UpdateItem", &[Fault::CutAfter, Fault::CutAfter]);
    let answer = deliver(&world, &path, &event, 1, LONG_AGO).await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(proxy.stop(), 0);
    assert_eq!(receiver.received().len(), 1);
    let done = deliveries(&world, &path, "delivered", 1).await;
    assert_eq!((done.len(), &done[0]["attempts"]), (1, &json!(1)));
}
