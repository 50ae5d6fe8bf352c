//! The expiry of a deleted organization after 30 days, and of an idempotency key after one day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster::domain::Clock;
use muster_local::Options;
use serde_json::json;
use support::{World, invariants};

use super::{acme, assert_hidden};

pub(crate) const DAY: u64 = 24 * 60 * 60 * 1_000;

/// A clock that advances on request.
#[derive(Clone, Default)]
pub(crate) struct Later(Arc<AtomicU64>);

impl Later {
    pub(crate) async fn world(&self) -> World {
        let (later, system) = (Arc::clone(&self.0), Clock::system());
        let clock = Clock::from_fn(move || {
            let later = Duration::from_millis(later.load(Ordering::Relaxed));
            (system.now().after(later), system.new_id())
        });
        let options = Options {
            clock,
            ..Options::default()
        };
        World::with(options).await
    }

    pub(crate) fn by(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_deleted_organization_expires_after_30_days() {
    let later = Later::default();
    let world = later.world().await;
    let (id, people) = acme(&world).await;
    let organization = format!("/organizations/{id}");
    let restore = format!("{organization}/restore");
    let root = world.tenant_admin();
    people[0].delete(&organization).await.expect(204);
    later.by(30 * DAY - 60_000);
    // A moment earlier.
    assert_eq!(root.all("/organizations?status=deleted").await.len(), 1);
    root.post_empty(&restore).await.expect(200);
    people[0].delete(&organization).await.expect(204);
    later.by(30 * DAY);

    // DynamoDB deletes it some time later.
    assert!(world.items().await.iter().any(|item| item["sk"] == "ORG"));
    let deleted = root.all("/organizations?status=deleted").await;
    assert_eq!(deleted, Vec::<serde_json::Value>::new());
    assert_hidden(&world, &id, &people).await;
    for actor in people.iter().chain([&root]) {
        actor.post_empty(&restore).await.problem(404, "not-found");
    }
    world.organization(&people[0], "Acme").await;
}

#[tokio::test]
async fn a_restored_organization_does_not_expire() {
    let later = Later::default();
    let world = later.world().await;
    let (id, people) = acme(&world).await;
    let organization = format!("/organizations/{id}");
    people[0].delete(&organization).await.expect(204);
    people[0]
        .post_empty(&format!("{organization}/restore"))
        .await
        .expect(200);
    later.by(31 * DAY);
    people[0].get(&organization).await.expect(200);
    let mut items = world.items().await;
    items.retain(|item| !item.contains_key("record"));
    assert!(items.iter().all(|item| !item.contains_key("expires_at")));
}

#[tokio::test]
async fn an_idempotency_key_expires_after_a_day() {
    let later = Later::default();
    let world = later.world().await;
    let ada = world.user("ada");
    let create = |name: &'static str| ada.post_once("/organizations", "k", json!({"name": name}));
    let first = create("Acme").await.expect(201);
    later.by(DAY);
    assert_eq!(create("Acme").await.expect(201).body, first.body);
    later.by(DAY / 12);
    let second = create("Other").await.expect(201);
    assert_ne!(second.body["id"], first.body["id"]);
    assert_eq!(create("Other").await.expect(201).body, second.body);
    invariants::check(&world.items().await);
}
