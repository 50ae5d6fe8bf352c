//! The secrets of webhook endpoints.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Receiver, World};

use super::{all_events, endpoint, times};
use crate::invitations::by_email::{Calendar, DAY};

const URL: &str = "https://hooks.acme.example/muster";

/// The items that contain a text.
async fn items_with(world: &World, text: &str) -> Vec<Value> {
    let items = world.items().await.into_iter().map(Value::Object);
    items
        .filter(|item| item.to_string().contains(text))
        .collect()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_stored_apart() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let made = root
        .post_once("/webhook-endpoints", "k", all_events(URL))
        .await;
    let made = made.expect(201);
    let path = &made.headers["location"];
    let rotated = root
        .post_once(&format!("{path}/rotate-secret"), "k", json!({}))
        .await;
    let rotated = rotated.expect(200);
    for reply in [&made, &rotated] {
        let secret = reply.body["secret"].as_str().unwrap();
        // The endpoint's secret and the record of the request, both where only a few functions have access.
        let items = items_with(&world, secret.strip_prefix("whsec_").unwrap()).await;
        assert_eq!(items.len(), 2, "{items:?}");
        for item in items {
            let place = item["pk"].as_str().unwrap();
            assert!(place.starts_with("TENANT#acme#!SECRETS#"), "{place}");
        }
        for list in ["/webhook-endpoints", "/events", path.as_str()] {
            let shown = root.get(list).await.expect(200).body.to_string();
            assert!(!shown.contains("whsec_"), "{shown}");
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    root.delete(path).await.expect(204);
    let secret = rotated.body["secret"].as_str().unwrap();
    let left = items_with(&world, secret).await;
    assert_eq!(left.len(), 1, "the record only: {left:?}");
}

#[tokio::test]
async fn a_rotation_replaces_the_secret_and_keeps_the_previous() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let receiver = Receiver::start().await;
    let (path, first) = endpoint(&world, all_events(&receiver.url)).await;
    let rotate = format!("{path}/rotate-secret");
    let rotated = root.post_empty(&rotate).await.expect(200);
    let second = rotated.body["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(rotated.body["version"], 2);
    root.post_empty(&format!("{path}/test")).await.expect(200);
    let message = receiver.received().remove(0);
    message.is_signed_with(&[&second, &first]);
    let events = root
        .all("/events?type=webhook_endpoint.secret_rotated")
        .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["changes"], json!({}));

    let third = root.post_empty(&rotate).await.expect(200);
    let third = third.body["secret"].as_str().unwrap().to_owned();
    root.post_empty(&format!("{path}/test")).await.expect(200);
    receiver
        .received()
        .remove(1)
        .is_signed_with(&[&third, &second, &first]);
}

/// A rotation whose response was lost is repeated: each secret signs for a day after its own rotation.
#[tokio::test]
async fn another_rotation_does_not_end_the_secret_before() {
    let (world, calendar) = Calendar::with(&[]).await;
    let root = world.tenant_admin();
    let receiver = Receiver::start().await;
    let (path, first) = endpoint(&world, all_events(&receiver.url)).await;
    let mut secrets = vec![first];
    for _ in 0..2 {
        let rotated = root.post_empty(&format!("{path}/rotate-secret")).await;
        let secret = rotated.expect(200).body["secret"].clone();
        secrets.insert(0, secret.as_str().unwrap().to_owned());
        calendar.pass(DAY / 2);
    }
    // A day after the first rotation, and then half a day before and at the end of the other one.
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    calendar.pass(-1_000);
    for (number, (count, later)) in [(3, 1_000), (2, DAY / 2), (1, 0)].into_iter().enumerate() {
        root.post_empty(&format!("{path}/test")).await.expect(200);
        let message = receiver.received().remove(number);
        message.is_signed_with(&secrets[..count]);
        calendar.pass(later);
    }
}

#[tokio::test]
async fn the_previous_secret_signs_for_exactly_24_hours() {
    let (world, calendar) = Calendar::with(&[]).await;
    let root = world.tenant_admin();
    let receiver = Receiver::start().await;
    let (path, first) = endpoint(&world, all_events(&receiver.url)).await;
    let rotated = root.post_empty(&format!("{path}/rotate-secret")).await;
    let second = rotated.expect(200).body["secret"].clone();
    let second = second.as_str().unwrap();
    let both: &[&str] = &[second, &first];
    calendar.pass(DAY - 1_000);
    for (number, secrets) in [both, &[second]].into_iter().enumerate() {
        root.post_empty(&format!("{path}/test")).await.expect(200);
        receiver.received().remove(number).is_signed_with(secrets);
        calendar.pass(1_000);
    }
}

#[tokio::test]
async fn repeated_rotations_with_one_key_rotate_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (path, _) = endpoint(&world, all_events(URL)).await;
    let rotate = format!("{path}/rotate-secret");
    let replies = times(5, &root, |root, _| {
        let rotate = rotate.clone();
        async move { root.post_once(&rotate, "k", json!({})).await }
    })
    .await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.body), (200, &replies[0].body));
    }
    let without_key = times(4, &root, |root, _| {
        let rotate = rotate.clone();
        async move { root.post_empty(&rotate).await }
    })
    .await;
    let rotated = without_key
        .iter()
        .filter(|reply| reply.status == 200)
        .count();
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["version"], 2 + rotated);
}

#[tokio::test]
async fn a_repeated_rotation_with_if_match_returns_its_secret() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (path, _) = endpoint(&world, all_events(URL)).await;
    let rotate = || {
        let request = root.request(Method::POST, &format!("{path}/rotate-secret"));
        let request = request
            .header("idempotency-key", "k")
            .header("if-match", "\"1\"");
        root.send(request)
    };
    let first = rotate().await.expect(200);
    let second = rotate().await.expect(200);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(second.body, first.body);
}
