//! The log as a feed that gives each event once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster::domain::Clock;
use muster_local::Options;
use serde_json::json;
use support::{Actor, Faults, World};

use super::TRANSACTION;

/// A clock that advances on request.
fn advancing() -> (Options, Arc<AtomicU64>) {
    let later = Arc::new(AtomicU64::new(0));
    let (given, system) = (Arc::clone(&later), Clock::system());
    let clock = Clock::from_fn(move || {
        let later = Duration::from_millis(given.load(Ordering::Relaxed));
        (system.now().after(later), system.new_id())
    });
    let options = Options {
        clock,
        ..Options::default()
    };
    (options, later)
}

/// Polls a feed until it gives nothing new. Returns the ids, and the cursor to continue with.
async fn poll(reader: &Actor, feed: &str, mut cursor: String) -> (Vec<String>, String) {
    let mut ids = Vec::new();
    loop {
        let page = reader
            .get(&format!("{feed}&cursor={cursor}"))
            .await
            .expect(200);
        page.body["next_cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
        let items = page.body["items"].as_array().unwrap();
        if items.is_empty() {
            return (ids, cursor);
        }
        ids.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
    }
}

#[tokio::test]
async fn a_feed_gives_an_event_that_is_committed_late_once() {
    let (options, later) = advancing();
    let (world, faults) = Faults::world(options).await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let id = world.organization(&ada, "Rockets").await;
    for feed in [
        "/events?order=oldest&limit=2",
        &format!("/organizations/{id}/events?order=oldest&limit=2"),
    ] {
        let (_, start) = poll(&root, feed, String::new()).await;
        // Its id is drawn, and its transaction waits.
        let mut held = faults.hold(TRANSACTION);
        let slow = {
            let (ada, path) = (ada.clone(), format!("/organizations/{id}"));
            let body = json!({"domain": format!("n{}.example", feed.len())});
            tokio::spawn(async move { ada.patch(&path, body).await })
        };
        held.arrived().await;
        later.fetch_add(1_000, Ordering::Relaxed);
        world
            .member(&id, &format!("new{}", feed.len()), "member", "active")
            .await;
        // A feed without the settle time would give the later event now, and never the earlier one.
        later.fetch_add(20_000, Ordering::Relaxed);
        let (early, cursor) = poll(&root, feed, start.clone()).await;
        held.release();
        slow.await.unwrap().expect(200);
        later.fetch_add(60_000, Ordering::Relaxed);
        let (late, cursor) = poll(&root, feed, cursor).await;
        let expected = root
            .all(&format!("{}?limit=100", feed.split('?').next().unwrap()))
            .await;
        let mut expected: Vec<_> = expected
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect();
        expected.reverse();
        let mut seen = early;
        seen.extend(late);
        assert_eq!(seen, expected[expected.len() - seen.len()..], "{feed}");
        assert!(seen.len() >= 2, "{feed}");
        assert!(poll(&root, feed, cursor).await.0.is_empty());
        // From the start, the feed gives all events once.
        assert_eq!(poll(&root, feed, String::new()).await.0, expected, "{feed}");
    }
}

#[tokio::test]
async fn events_of_the_last_minute_are_not_in_the_feed() {
    let (options, later) = advancing();
    let world = World::with(options).await;
    let root = world.tenant_admin();
    world.organization(&world.user("ada"), "Rockets").await;
    let feed = "/events?order=oldest";
    let (ids, cursor) = poll(&root, feed, String::new()).await;
    assert!(ids.is_empty());
    later.fetch_add(61_000, Ordering::Relaxed);
    let newest = root.all("/events").await;
    assert_eq!(poll(&root, feed, cursor).await.0.len(), newest.len());
}
