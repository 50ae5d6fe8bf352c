//! Disabling a user takes away all access through memberships at once, and enabling restores exactly that.

use std::collections::BTreeMap;

use muster_local::Options;
use serde_json::{Map, Value, json};
use support::{Actor, Faults, Reply, World, at_once, statuses};

use crate::sync::setup::{ORGANIZATIONS, Setup};

async fn change(root: &Actor, user: &str, status: &str) -> Reply {
    let path = format!("/users/{user}");
    root.patch(&path, json!({"status": status})).await
}

/// The table without events and without the profile of a user.
async fn others(world: &World, user: &str) -> BTreeMap<(String, String), Map<String, Value>> {
    let profile = (format!("TENANT#acme#USER#{user}"), "USER".to_owned());
    let mut table = world.table().await;
    table.retain(|key, _| *key != profile && !key.0.contains("!EVENTS"));
    table
}

async fn events(world: &World, event_type: &str) -> Vec<Value> {
    let path = format!("/events?type={event_type}");
    world.tenant_admin().all(&path).await
}

#[tokio::test]
async fn disable_and_enable_a_user() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let shown = root.get("/users/ada").await.expect(200);
    assert_eq!(shown.body["status"], "enabled");
    let before = others(&world, "ada").await;

    let disabled = change(&root, "ada", "disabled").await.expect(200);
    let mut expected = shown.body.clone();
    expected["status"] = json!("disabled");
    expected["updated_at"] = disabled.body["updated_at"].clone();
    assert_eq!(disabled.body, expected);
    assert_ne!(disabled.headers["etag"], shown.headers["etag"]);
    ada.get(&organization).await.problem(403, "user-disabled");
    let own = ada.get("/users/me").await.expect(200);
    assert_eq!(own.body, disabled.body);

    // A repeated request changes nothing.
    let again = change(&root, "ada", "disabled").await.expect(200);
    assert_eq!(
        (&again.body, &again.headers["etag"]),
        (&disabled.body, &disabled.headers["etag"])
    );

    let enabled = change(&root, "ada", "enabled").await.expect(200);
    assert_eq!(enabled.body["status"], "enabled");
    ada.get(&organization).await.expect(200);
    assert_eq!(others(&world, "ada").await, before);

    let event = |event_type: &'static str| {
        let world = &world;
        async move {
            let mut found = events(world, event_type).await;
            assert_eq!(found.len(), 1, "{found:?}");
            found.remove(0)
        }
    };
    let event = event("user.disabled").await;
    assert_eq!(event["actor"]["id"], "root");
    assert_eq!(event["targets"], json!([{"type": "user", "id": "ada"}]));
    let changes = json!({"status": {"from": "enabled", "to": "disabled"}});
    assert_eq!(event["changes"], changes);
    assert_eq!(events(&world, "user.enabled").await.len(), 1);
}

#[tokio::test]
async fn a_disabled_user_who_is_added_has_no_access() {
    let (world, ada, id) = World::acme().await;
    world.register(&["eve"]).await;
    let root = world.tenant_admin();
    change(&root, "eve", "disabled").await.expect(200);
    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    let eve = world.user("eve");
    ada.post(&members, json!({"user_id": "eve"}))
        .await
        .expect(201);
    let accept = format!("{members}/me/accept");
    eve.post_empty(&accept).await.problem(403, "user-disabled");
    let active = json!({"user_id": "eve", "status": "active"});
    ada.post(&members, active).await.expect(200);
    eve.get(&organization).await.problem(403, "user-disabled");
    eve.get("/users/me/organizations")
        .await
        .problem(403, "user-disabled");
    let new = json!({"name": "Of a disabled user"});
    eve.post("/organizations", new)
        .await
        .problem(403, "user-disabled");
    change(&root, "eve", "enabled").await.expect(200);
    eve.get(&organization).await.expect(200);
}

#[tokio::test]
async fn an_invitation_of_a_disabled_inviter_is_not_valid() {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let max = world.member(&id, "max", "admin", "active").await;
    world.register(&["eve"]).await;
    let members = format!("/organizations/{id}/members");
    max.post(&members, json!({"user_id": "eve"}))
        .await
        .expect(201);
    change(&root, "max", "disabled").await.expect(200);
    let accept = format!("{members}/me/accept");
    let eve = world.user("eve");
    let refused = eve.post_empty(&accept).await;
    refused.problem(409, "invitation-not-valid");
    change(&root, "max", "enabled").await.expect(200);
    eve.post_empty(&accept).await.expect(200);
}

#[tokio::test]
async fn the_last_owner_can_be_disabled_and_stays_owner() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let admin = world.member(&id, "max", "admin", "active").await;
    change(&root, "ada", "disabled").await.expect(200);
    let member = format!("/organizations/{id}/members/ada");
    let shown = admin.get(&member).await.expect(200);
    assert_eq!(
        (&shown.body["role"], &shown.body["status"]),
        (&json!("owner"), &json!("active"))
    );
    root.delete(&member).await.problem(409, "last-owner");
    ada.delete(&member).await.problem(403, "user-disabled");
}

#[tokio::test]
async fn many_changes_of_a_status_at_once_end_in_one_state() {
    let (world, _, _) = World::acme().await;
    let root = world.tenant_admin();
    let changes = (0..6).map(|_| {
        let root = root.clone();
        async move { change(&root, "ada", "disabled").await }
    });
    let replies = at_once(changes).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(200, 6)]));
    assert_eq!(events(&world, "user.disabled").await.len(), 1);
    for reply in &replies {
        assert_eq!(reply.body, replies[0].body);
    }
}

#[tokio::test]
async fn a_status_is_changed_only_as_the_contract_says() {
    let (world, ada, _) = World::acme().await;
    let root = world.tenant_admin();
    change(&root, "nobody", "disabled")
        .await
        .problem(404, "not-found");
    change(&ada, "ada", "disabled")
        .await
        .problem(403, "forbidden");
    let foreign = world.tenant_admin_of("globex");
    change(&foreign, "ada", "disabled")
        .await
        .problem(404, "not-found");
    let before = world.table().await;
    for (body, pointers) in [
        (json!({}), vec!["/status"]),
        (json!({"status": null}), vec!["/status"]),
        (json!({"status": "erasing"}), vec!["/status"]),
        (
            json!({"status": "disabled", "email": "a@b.example"}),
            vec!["/email"],
        ),
        (
            json!({"status": 1, "display_name": "A"}),
            vec!["/status", "/display_name"],
        ),
    ] {
        let reply = root.patch("/users/ada", body).await;
        let reply = reply.problem(400, "validation-failed");
        let errors = reply.body["errors"].as_array().unwrap();
        let found: Vec<_> = errors
            .iter()
            .map(|it| it["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, pointers);
    }
    let stale = root
        .request(reqwest::Method::PATCH, "/users/ada")
        .header("if-match", "\"9\"")
        .json(&json!({"status": "disabled"}));
    root.send(stale).await.problem(412, "version-mismatch");
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn a_disabled_tenant_admin_changes_no_status() {
    let (world, _, _) = World::acme().await;
    let root = world.tenant_admin();
    let other = world.actor("acme", "other-root", &["tenant-admins"]);
    world.register(&["root"]).await;
    change(&other, "root", "disabled").await.expect(200);
    for user in ["ada", "root"] {
        for status in ["disabled", "enabled"] {
            change(&root, user, status)
                .await
                .problem(403, "user-disabled");
        }
    }
    // Disabled between the read and the write.
    let (world, proxy) = Faults::world(Options::default()).await;
    let (root, other) = (
        world.tenant_admin(),
        world.actor("acme", "other-root", &["tenant-admins"]),
    );
    world.register(&["ada", "root"]).await;
    let mut held = proxy.hold("TransactWriteItems");
    let going = tokio::spawn(async move { change(&root, "ada", "disabled").await });
    held.arrived().await;
    change(&other, "root", "disabled").await.expect(200);
    held.release();
    going.await.unwrap().problem(403, "user-disabled");
    let ada = other.get("/users/ada").await.expect(200);
    assert_eq!(ada.body["status"], "enabled");
}

#[tokio::test]
async fn a_profile_and_a_login_leave_the_status_alone() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.settle("ada").await;
    let root = setup.world.tenant_admin();
    change(&root, "ada", "disabled").await.expect(200);
    let profile = json!({"display_name": "Ada L."});
    let changed = root.put("/users/ada", profile).await.expect(200);
    assert_eq!(changed.body["status"], "disabled");
    // The directory adds a disabled user, who has no access.
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    let ada = setup.world.user("ada");
    let organization = "/organizations/g-sales";
    ada.get(organization).await.problem(403, "user-disabled");
    let shown = root.get("/users/ada").await.expect(200);
    assert_eq!(shown.body["status"], "disabled");
    change(&root, "ada", "enabled").await.expect(200);
    ada.get(organization).await.expect(200);
}
