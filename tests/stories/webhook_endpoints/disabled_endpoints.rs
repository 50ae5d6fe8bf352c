//! Endpoints that Muster disables: those that are gone, and those that have only failed for five days.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use muster_local::{CallFault, Options, ServiceFaults};
use serde_json::json;
use support::{Receiver, World};
use tokio::time::sleep;

use super::deliveries::{LONG_AGO, deliver, deliveries, running, some_event, team};
use super::endpoint;
use crate::invitations::by_email::{Calendar, DAY, MINUTE};

const HOUR: i64 = 60 * MINUTE;

/// Makes it known that an endpoint has only failed for more than five days.
async fn fails_since_long_ago(world: &World, path: &str) {
    let id = path.strip_prefix("/webhook-endpoints/").unwrap();
    let since = AttributeValue::S(LONG_AGO.to_owned());
    let sk = format!("ENDPOINT#{id}");
    world
        .tamper("TENANT#acme#WEBHOOKS", &sk, "failing_since", since)
        .await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let world = running().await;
    let root = world.tenant_admin();
    let receiver = Receiver::answering(|_| StatusCode::GONE).await;
    let (path, _) = endpoint(
        &world,
        json!({"url": receiver.url, "event_types": ["team.*"]}),
    )
    .await;
    team(&world, "Engines").await;
    deliveries(&world, &path, "failed", 1).await;
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(
        (&shown["status"], &shown["disabled_reason"]),
        (&json!("disabled"), &json!("gone"))
    );
    assert!(shown["last_failure_at"].is_string(), "{shown}");
    let events = root.all("/events?type=webhook_endpoint.disabled").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"]["type"], "system");
    assert_eq!(
        events[0]["changes"]["disabled_reason"],
        json!({"from": null, "to": "gone"})
    );
    team(&world, "Wheels").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR).await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    deliver(&world, &path, &event, 1, LONG_AGO).await;
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "enabled");
    fails_since_long_ago(&world, &path).await;
    deliver(&world, &path, &event, 2, LONG_AGO).await;
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["disabled_reason"], "failing");
    let failed = deliveries(&world, &path, "failed", 1).await;
    assert_eq!(failed[0]["response_status"], 500);
    // What waits for a disabled or deleted endpoint is dropped.
    deliver(&world, &path, &event, 3, LONG_AGO).await;
    root.delete(&path).await.expect(204);
    let answer = deliver(&world, &path, &event, 3, LONG_AGO).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn an_endpoint_is_disabled_after_exactly_five_days() {
    let (world, calendar) = Calendar::with(&[]).await;
    let root = world.tenant_admin();
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR).await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    for (wait, status) in [
        (0, "enabled"),
        (4 * DAY + 23 * HOUR, "enabled"),
        (HOUR, "disabled"),
    ] {
        calendar.pass(wait);
        deliver(&world, &path, &event, 1, LONG_AGO).await;
        let shown = root.get(&path).await.expect(200).body;
        assert_eq!(shown["status"], status, "{wait}");
    }
}

/// To put the message on the queue afterwards could fail, and lose it: a disabled endpoint receives nothing.
#[tokio::test]
async fn a_message_is_set_aside_before_its_endpoint_is_disabled() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let call = move |operation: &str| {
        let fails = operation == "SendMessageBatch" && is_down.load(Ordering::SeqCst);
        fails.then(|| CallFault::Error(403, "AccessDenied".to_owned()))
    };
    let world = World::with(Options {
        service_faults: ServiceFaults {
            call: Some(Arc::new(call)),
            ..ServiceFaults::default()
        },
        ..Options::default()
    })
    .await;
    let root = world.tenant_admin();
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR).await;
    let (path, _) = endpoint(&world, json!({"url": receiver.url, "event_types": ["*"]})).await;
    let event = some_event(&world).await;
    fails_since_long_ago(&world, &path).await;
    for (is_down, status) in [(true, "enabled"), (false, "disabled")] {
        down.store(is_down, Ordering::SeqCst);
        let answer = deliver(&world, &path, &event, 1, LONG_AGO).await;
        let failed = answer["batchItemFailures"].as_array().unwrap();
        assert_eq!(failed.is_empty(), !is_down, "{answer}");
        let shown = root.get(&path).await.expect(200).body;
        assert_eq!(shown["status"], status);
    }
}
