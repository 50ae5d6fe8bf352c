//! The deleted organizations that a user can restore.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use muster::domain::{Clock, Timestamp};
use muster_local::Options;
use serde_json::json;
use support::{World, at_once, invariants};

use crate::answers::is_shown;

const DAY: i64 = 24 * 60 * 60 * 1_000;
const DELETED: &str = "/users/me/organizations?organization_status=deleted";

#[tokio::test]
async fn owners_find_deleted_organizations_until_purged() {
    let time = Arc::new(AtomicI64::new(1_795_219_200_000));
    let (machine, given) = (Clock::system(), Arc::clone(&time));
    let world = World::with(Options {
        clock: Clock::from_fn(move || {
            let now = Timestamp::from_millisecond(given.load(Ordering::Relaxed)).unwrap();
            (now, machine.new_id())
        }),
        ..Options::default()
    })
    .await;
    let ada = world.user("ada");
    world.organization(&ada, "Kept").await;
    let mut gone = Vec::new();
    for name in ["Acme", "Globex", "Initech"] {
        let id = world.organization(&ada, name).await;
        ada.delete(&format!("/organizations/{id}"))
            .await
            .expect(204);
        gone.push(id);
    }
    let listed = ada.all(&format!("{DELETED}&limit=1")).await;
    assert_eq!(listed.len(), 3);
    gone.sort();
    for (one, id) in listed.iter().zip(&gone) {
        assert_eq!(one["role"], "owner");
        let organization = &one["organization"];
        assert_eq!(organization["id"], **id);
        assert_eq!(organization["deleted_at"], "2026-11-21T00:00:00.000Z");
        assert_eq!(organization["purge_at"], "2026-12-21T00:00:00.000Z");
    }
    let of_ada = DELETED.replace("me", "ada");
    assert_eq!(world.tenant_admin().all(&of_ada).await, listed);
    world.register(&["bob"]).await;
    world
        .user("bob")
        .get(&of_ada)
        .await
        .problem(403, "forbidden");

    // Live organizations are in the list without the filter.
    let live = "/users/me/organizations";
    for path in [live, &format!("{live}?organization_status=active")] {
        let live = ada.all(path).await;
        assert_eq!(live.len(), 1);
        assert!(live[0]["organization"].get("deleted_at").is_none());
    }
    let restore = format!("/organizations/{}/restore", gone[0]);
    ada.post_empty(&restore).await.expect(200);
    assert_eq!(ada.all(DELETED).await.len(), 2);
    time.fetch_add(30 * DAY - 1, Ordering::Relaxed);
    assert_eq!(ada.all(DELETED).await.len(), 2);
    time.fetch_add(1, Ordering::Relaxed);
    assert!(ada.all(DELETED).await.is_empty());
}

#[tokio::test]
async fn a_restored_organization_gets_another_name() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    let restore = format!("{path}/restore");
    ada.delete(&path).await.expect(204);
    // The name is taken meanwhile, and so is the other one.
    world.organization(&ada, "acme").await;
    world.organization(&ada, "Globex").await;
    let before = world.everything().await;
    ada.post_empty(&restore).await.problem(409, "name-taken");
    for taken in ["Acme", "GLOBEX"] {
        let reply = ada.post(&restore, json!({"name": taken})).await;
        reply.problem(409, "name-taken");
    }
    for (bad, pointer) in [
        (json!({"name": " "}), "/name"),
        (json!({"name": null}), "/name"),
        (json!({"name": "Fine", "domain": "acme.example"}), "/domain"),
    ] {
        let reply = ada.post(&restore, bad).await;
        let refused = reply.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.everything().await, before);

    let restored = ada.post(&restore, json!({"name": "Acme 2"})).await;
    let restored = restored.expect(200);
    assert_eq!(restored.body["name"], "Acme 2");
    assert_eq!(restored.body["version"], 3);
    is_shown(&restored, ada.get(&path).await.expect(200), &path);
    let other = ada.post("/organizations", json!({"name": "ACME 2"})).await;
    other.problem(409, "name-taken");
    let by_name = "/organizations?name=acme%202";
    let found = world.tenant_admin().all(by_name).await;
    assert_eq!(found, std::slice::from_ref(&restored.body));
    let events = ada.all(&format!("{path}/events")).await;
    assert_eq!(events[0]["type"], "organization.restored");
    assert_eq!(
        events[0]["changes"]["name"],
        json!({"from": "Acme", "to": "Acme 2"})
    );
    invariants::check(&world.items().await);

    // The same request again changes nothing; another name is refused.
    let before = world.everything().await;
    let again = ada.post(&restore, json!({"name": "Acme 2"})).await;
    assert_eq!(again.expect(200).body, restored.body);
    let reply = ada.post(&restore, json!({"name": "Acme 3"})).await;
    let refused = reply.problem(400, "validation-failed");
    assert_eq!(refused.body["errors"][0]["pointer"], "/name");
    assert_eq!(world.everything().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restoring_under_many_names_at_once_gives_one() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    ada.delete(&path).await.expect(204);
    let replies = at_once((0..12).map(|n| {
        let (ada, restore) = (ada.clone(), format!("{path}/restore"));
        async move { ada.post(&restore, json!({"name": format!("N{n}")})).await }
    }))
    .await;
    let done = replies.iter().filter(|reply| reply.status == 200);
    let done: Vec<_> = done.collect();
    assert_eq!(done.len(), 1, "{replies:?}");
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 400), "{reply:?}");
    }
    is_shown(done[0], ada.get(&path).await.expect(200), &path);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_active_owners_find_deleted_organizations() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    for (user, role, status) in [
        ("max", "admin", "active"),
        ("ivy", "owner", "invited"),
        ("sue", "owner", "suspended"),
        ("olaf", "owner", "active"),
    ] {
        world.member(&id, user, role, status).await;
    }
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    for (user, found) in [("max", 0), ("ivy", 0), ("sue", 0), ("olaf", 1), ("ada", 1)] {
        let listed = world.user(user).all(&format!("{DELETED}&status=all")).await;
        assert_eq!(listed.len(), found, "{user}");
    }
    let refused = "/users/me/organizations?organization_status=gone";
    let refused = ada.get(refused).await.problem(400, "validation-failed");
    assert_eq!(
        refused.body["errors"][0]["pointer"],
        json!("/organization_status")
    );
    // A cursor is bound to its list.
    world.organization(&ada, "Other").await;
    world.organization(&ada, "Third").await;
    let page = ada.get("/users/me/organizations?limit=1").await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    ada.get(&format!("{DELETED}&cursor={cursor}"))
        .await
        .problem(400, "invalid-cursor");
}
