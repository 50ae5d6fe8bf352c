//! An event is final: no later write replaces it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use muster::domain::Clock;
use muster_local::Options;
use serde_json::{Value, json};
use support::World;
use uuid::Uuid;

/// The bits of an id that become part of the id of an event.
const RANDOM: u128 = (1 << 80) - 1;

/// A clock that stands still and, once told to, gives ids that lead to one id of an event. Each id is unique as a whole,
/// so that the ids of transactions are.
fn that_repeats(repeats: &Arc<AtomicBool>) -> Clock {
    let now = Clock::system().now();
    let (repeats, count) = (Arc::clone(repeats), AtomicU64::new(0));
    Clock::from_fn(move || {
        let mut id = Clock::system().new_id().as_u128();
        if repeats.load(Ordering::SeqCst) {
            let unique = u128::from(count.fetch_add(1, Ordering::SeqCst));
            id = (id & !RANDOM).wrapping_add(unique << 80) | (0x7000_8000_u128 << 48) | 7;
        }
        (now, Uuid::from_u128(id))
    })
}

/// The items of events.
async fn events(world: &World) -> Vec<Value> {
    let items = world.items().await.into_iter().map(Value::Object);
    let is_event = |item: &Value| item["pk"].as_str().unwrap().contains("#!EVENTS#");
    items.filter(is_event).collect()
}

#[tokio::test]
async fn a_write_with_the_id_of_an_event_changes_nothing() {
    let repeats = Arc::new(AtomicBool::new(false));
    let world = World::with(Options {
        clock: that_repeats(&repeats),
        ..crate::faults::in_a_hurry()
    })
    .await;
    let root = world.tenant_admin();
    let made = root
        .post("/teams", json!({"name": "One"}))
        .await
        .expect(201);
    let team = &made.headers["location"];
    let path = "/webhook-endpoints";
    let hook = json!({"url": "https://hooks.acme.example/", "event_types": ["*"]});
    let endpoint = root.post(path, hook.clone()).await.expect(201);
    let endpoint = &endpoint.headers["location"];

    repeats.store(true, Ordering::SeqCst);
    // The first event with the id that all others get.
    let change = json!({"description": "first"});
    root.patch(team, change).await.expect(200);
    let before = world.items().await;
    assert_eq!(events(&world).await.len(), 3);
    for reply in [
        root.patch(team, json!({"description": "second"})).await,
        root.delete(team).await,
        root.post("/teams", json!({"name": "Two"})).await,
        root.patch(endpoint, json!({"description": "second"})).await,
        root.post_empty(&format!("{endpoint}/rotate-secret")).await,
        root.delete(endpoint).await,
        root.post(path, hook).await,
        root.post("/organizations", json!({"name": "Acme"})).await,
    ] {
        assert!(matches!(reply.status, 409 | 503), "{reply:?}");
        assert_eq!(world.items().await, before);
    }
    repeats.store(false, Ordering::SeqCst);
    root.patch(team, json!({"description": "second"}))
        .await
        .expect(200);
    assert_eq!(events(&world).await.len(), 4);
}
