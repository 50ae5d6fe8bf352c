//! Retrying a delivery, and replaying a range of events.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use support::{Receiver, World};

use super::deliveries::{deliveries, received, running};
use super::{all_events, endpoint};

/// A range that includes every event.
fn all_times() -> Value {
    json!({"from": "2026-01-01T00:00:00.000Z", "to": "2999-01-01T00:00:00.000Z"})
}

async fn teams(world: &World, count: usize) {
    let root = world.tenant_admin();
    for n in 0..count {
        let body = json!({"name": format!("Team {n}")});
        root.post("/teams", body).await.expect(201);
    }
}

#[tokio::test]
async fn a_failed_delivery_is_retried_on_request() {
    let world = running().await;
    let root = world.tenant_admin();
    let receiver = Receiver::answering(|_| StatusCode::INTERNAL_SERVER_ERROR).await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (path, _) = endpoint(&world, body).await;
    teams(&world, 1).await;
    let one = deliveries(&world, &path, "pending", 1).await.remove(0);
    let fixed = Receiver::start().await;
    root.patch(&path, json!({"url": fixed.url}))
        .await
        .expect(200);
    let retry = format!("{path}/deliveries/{}/retry", one["id"].as_str().unwrap());
    let retried = root.post_once(&retry, "k", json!({})).await.expect(200);
    assert_eq!(retried.body["status"], "pending");
    let again = root.post_once(&retry, "k", json!({})).await.expect(200);
    assert_eq!(again.body, retried.body);
    let got = received(&fixed, 1).await;
    assert_eq!(got[0].header("webhook-id"), one["id"]);
    deliveries(&world, &path, "delivered", 1).await;

    let unknown = "019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081";
    let unknown = format!("{path}/deliveries/{unknown}/retry");
    root.post_empty(&unknown).await.problem(404, "not-found");
    root.patch(&path, json!({"status": "disabled"}))
        .await
        .expect(200);
    root.post_empty(&retry)
        .await
        .problem(409, "endpoint-disabled");
}

#[tokio::test]
async fn a_replay_sends_every_event_of_the_range_again() {
    const TEAMS: usize = 130;
    let world = running().await;
    let root = world.tenant_admin();
    // The endpoint is created after the events.
    teams(&world, TEAMS).await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.created"]});
    let (path, _) = endpoint(&world, body).await;
    let replay = format!("{path}/replay");
    let (mut range, mut queued) = (all_times(), 0);
    loop {
        let page = root.post(&replay, range.clone()).await.expect(200).body;
        queued += page["queued"].as_u64().unwrap();
        if page["next_cursor"].is_null() {
            break;
        }
        range["cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(queued, TEAMS as u64);
    let got = received(&receiver, TEAMS).await;
    let ids: HashSet<_> = got
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), TEAMS);
    let none = json!({"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z"});
    let none = root.post(&replay, none).await.expect(200);
    assert_eq!(none.body, json!({"queued": 0, "next_cursor": null}));
}

#[tokio::test]
async fn a_repeated_replay_with_one_key_sends_once() {
    let world = running().await;
    let root = world.tenant_admin();
    let to = |receiver: &Receiver| json!({"url": receiver.url, "event_types": ["team.created"]});
    // When it has the events, none of them is still on its way to an endpoint that is created later.
    let earlier = Receiver::start().await;
    endpoint(&world, to(&earlier)).await;
    teams(&world, 3).await;
    received(&earlier, 3).await;
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&world, to(&receiver)).await;
    let replay = format!("{path}/replay");
    let first = root.post_once(&replay, "k", all_times()).await.expect(200);
    let second = root.post_once(&replay, "k", all_times()).await.expect(200);
    assert_eq!(first.body, second.body);
    received(&receiver, 3).await;
    // A delivery for each of them, and no other.
    assert_eq!(deliveries(&world, &path, "delivered", 3).await.len(), 3);
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn invalid_ranges_are_refused() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (path, _) = endpoint(&world, all_events("https://hooks.example/")).await;
    let replay = format!("{path}/replay");
    for (range, field) in [
        (json!({}), "/from"),
        (json!({"from": "2026-01-01T00:00:00Z"}), "/to"),
        (
            json!({"from": "yesterday", "to": "2026-01-01T00:00:00Z"}),
            "/from",
        ),
        (
            json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
            "/to",
        ),
        (
            json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "cursor": "x"}),
            "/cursor",
        ),
    ] {
        let refused = root
            .post(&replay, range)
            .await
            .problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], field);
    }
}
