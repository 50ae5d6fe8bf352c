//! The copies of names on memberships.

use std::collections::BTreeSet;

use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Fault, Faults, World, at_once, invariants};

use super::{add, copied, encoded, found, person, world_of_people};

#[tokio::test]
async fn a_new_member_has_their_name_at_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    person(&root, "bob", "Bob", "bob@acme.example").await;
    let members = format!("/organizations/{id}/members");
    let body = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, body).await.expect(201);
    for list in ["", "?sort=name"] {
        let items = ada.all(&format!("{members}{list}")).await;
        let bob = items.iter().find(|item| item["user_id"] == "bob").unwrap();
        let user = json!({"display_name": "Bob", "email": "bob@acme.example"});
        assert_eq!(bob["user"], user, "{list}");
    }
    copied(&world, &id, "bob").await;
    let item = world.table().await;
    let item = &item[&(format!("TENANT#{ACME}#USER#bob"), format!("ORG#{id}"))];
    assert_eq!(item["display_name"], "Bob");
    assert_eq!(item["gsi3sk"], "bob#bob");
    assert_eq!(item["version"], 1);
}

#[tokio::test]
async fn a_rename_reaches_every_membership_and_no_event_says_so() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let second = world.organization(&ada, "Second").await;
    add(&world, &second, "u1").await;
    let second = format!("/organizations/{second}/members");
    let before = ada.get(&format!("{members}/u1")).await.expect(200);
    let events = root.all("/events").await.len();

    person(&root, "u1", "Zara", "new@acme.example").await;
    for members in [&members, &second] {
        let items = ada.all(&format!("{members}?sort=name")).await;
        let one = items.iter().find(|item| item["user_id"] == "u1").unwrap();
        let user = json!({"display_name": "Zara", "email": "new@acme.example"});
        assert_eq!(one["user"], user);
        assert_eq!(one["version"], 1);
        assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
        assert_eq!(found(&ada, &format!("{members}?q=new%40")).await, ["u1"]);
        for gone in ["ada%20b", "ada%40"] {
            assert!(found(&ada, &format!("{members}?q={gone}")).await.is_empty());
        }
    }
    let order = found(&ada, &format!("{members}?sort=name")).await;
    assert_eq!(
        order,
        ["u5", "u6", "u2", "u4", "ada", "u3", "u1", "u8", "u7"]
    );
    // The change of the profile is the only event, and the membership did not change.
    assert_eq!(root.all("/events").await.len(), events + 1);
    let after = ada.get(&format!("{members}/u1")).await.expect(200);
    assert_eq!(before.headers["etag"], after.headers["etag"]);

    // Without a name and an address.
    let cleared = json!({"display_name": null, "email": null});
    root.put("/users/u1", cleared).await.expect(200);
    let order = found(&ada, &format!("{members}?sort=name")).await;
    assert_eq!(order[0], "u1");
    assert!(found(&ada, &format!("{members}?q=new")).await.is_empty());
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_refresh_that_failed_is_finished_by_a_repetition() {
    let (world, faults) = Faults::world(Options::default()).await;
    let members = world_of_people(&world).await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let body = json!({"display_name": "Zara"});
    // The profile is written, and then nothing else.
    faults.always("Query", Fault::Throttle);
    let failed = root.put("/users/u1", body.clone()).await;
    assert!(failed.status >= 429, "{failed:?}");
    faults.stop();
    assert_eq!(
        root.get("/users/u1").await.expect(200).body["display_name"],
        "Zara"
    );
    assert!(found(&ada, &format!("{members}?q=zara")).await.is_empty());
    let version = root.get("/users/u1").await.expect(200).headers["etag"].clone();
    root.put("/users/u1", body).await.expect(200);
    assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
    assert_eq!(
        root.get("/users/u1").await.expect(200).headers["etag"],
        version
    );
    // Nothing is left to do.
    let items = world.items().await;
    assert!(items.iter().all(|item| !item.contains_key("names_pending")));
    invariants::check(&items);
}

#[tokio::test]
async fn concurrent_renames_leave_the_last_name_everywhere() {
    let world = World::start().await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    person(&root, "bob", "Bob", "bob@acme.example").await;
    let mut organizations = Vec::new();
    for n in 0..4 {
        let id = world.organization(&ada, &format!("Acme {n}")).await;
        add(&world, &id, "bob").await;
        organizations.push(id);
    }
    let renames = (0..6).map(|n| {
        let root = root.clone();
        async move {
            let name = format!("Bob {n}");
            person(&root, "bob", &name, &format!("bob{n}@acme.example")).await;
        }
    });
    at_once(renames).await;
    let profile = root.get("/users/bob").await.expect(200).body;
    let user = json!({"display_name": profile["display_name"], "email": profile["email"]});
    for id in &organizations {
        let items = ada.all(&format!("/organizations/{id}/members")).await;
        let bob = items.iter().find(|item| item["user_id"] == "bob").unwrap();
        assert_eq!(bob["user"], user);
        let q = encoded(profile["email"].as_str().unwrap());
        let path = format!("/organizations/{id}/members?q={q}");
        assert_eq!(found(&ada, &path).await, ["bob"]);
    }
    let items = world.items().await;
    assert!(items.iter().all(|item| !item.contains_key("names_pending")));
    invariants::check(&items);
}

/// Signs in as this user, with a plain event.
async fn login(world: &World, user: &str, name: &str, email: &str) {
    let event = json!({
        "triggerSource": "PostLogin", "tenantId": ACME, "userId": user, "displayName": name,
        "email": email,
    });
    world.invoke("post-login", &event).await;
}

#[tokio::test]
async fn a_login_refreshes_names_and_else_writes_none() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    // A warm function knows for a minute that the tenant has no directory of its own.
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    world.calls.take();
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    assert_eq!(world.calls.operations(), ["UpdateItem"]);
    login(&world, "u1", "Zara", "Ada@acme.example").await;
    let renamed = world.calls.operations();
    // The profile, the memberships, the only copy, and the mark that this is done.
    assert_eq!(
        renamed,
        [
            "UpdateItem",
            "TransactWriteItems",
            "Query",
            "UpdateItem",
            "UpdateItem"
        ]
    );
    assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
    world.calls.take();
    login(&world, "u1", "Zara", "Ada@acme.example").await;
    assert_eq!(world.calls.operations(), ["UpdateItem"]);
    // The first login of a new user writes their profile alone.
    login(&world, "new", "New", "new@acme.example").await;
    assert_eq!(
        world.calls.operations(),
        ["UpdateItem", "TransactWriteItems"]
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_login_with_nothing_new_writes_nothing_to_the_index() {
    let world = World::start().await;
    world_of_people(&world).await;
    world.charges.take();
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    // The profile, and its entry by email address in gsi1.
    assert!((world.charges.take().write - 2.0).abs() < 1e-6);
    let places = |items: Vec<serde_json::Map<String, Value>>| {
        let listed = items.into_iter().filter(|item| item.contains_key("gsi3pk"));
        let place = |item: &serde_json::Map<String, Value>| {
            ["gsi3pk", "gsi3sk", "user_id", "status", "role"]
                .map(|name| item.get(name).cloned().unwrap_or_default().to_string())
        };
        listed.map(|item| place(&item)).collect::<BTreeSet<_>>()
    };
    let before = places(world.items().await);
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    assert_eq!(places(world.items().await), before);
}
