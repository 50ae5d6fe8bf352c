//! Events name the users among their targets, where the change has read the name. Erasing a user removes it.

use std::collections::BTreeMap;

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Faults, World};

use crate::sync::setup::{ORGANIZATIONS, Setup};

/// The name of a user in the event of each type, the latest of each; `null` where it has none.
fn names_of(events: &[Value], user: &str) -> BTreeMap<String, Value> {
    let mut names = BTreeMap::new();
    for event in events {
        let targets = event["targets"].as_array().unwrap().iter();
        let own = { targets }.find(|it| it["type"] == "user" && it["id"] == user);
        if let Some(own) = own {
            let event_type = event["type"].as_str().unwrap().to_owned();
            names.entry(event_type).or_insert(own["name"].clone());
        }
    }
    names
}

fn all(names: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let names = names.iter();
    names
        .map(|(it, name)| ((*it).to_owned(), json!(name)))
        .collect()
}

/// A user whose token has a name.
fn named(world: &World, id: &str, groups: &[&str], name: &str) -> Actor {
    let claims = json!({"sub": id, "tenant_id": "acme", "name": name, "cognito:groups": groups});
    let claims = claims.as_object().unwrap().clone();
    let token = world.stack.token_with(claims);
    world.bearer(id, Some(token.unwrap()))
}

#[tokio::test]
async fn changes_of_the_api_name_the_user() {
    let world = World::start().await;
    let (root, ada) = (world.tenant_admin(), named(&world, "ada", &[], "Ada"));
    let bob = json!({"display_name": "Bob B."});
    root.put("/users/bob", bob).await.expect(201);
    let id = world.organization(&ada, "Rockets").await;
    let organization = format!("/organizations/{id}");
    let member = format!("{organization}/members/bob");
    let invited = json!({"user_id": "bob"});
    let members = format!("{organization}/members");
    ada.post(&members, invited).await.expect(201);
    world
        .user("bob")
        .post_empty(&format!("{member}/accept"))
        .await
        .expect(200);
    // The membership gets a copy.
    let bob = json!({"display_name": "Bob"});
    root.put("/users/bob", bob).await.expect(200);
    for change in [
        json!({"role": "admin"}),
        json!({"status": "suspended"}),
        json!({"status": "active"}),
    ] {
        ada.patch(&member, change).await.expect(200);
    }
    let team = world.team(Some(&id), "Engines", &[]).await;
    let in_team = format!("{team}/members/bob");
    root.post(&format!("{team}/members"), json!({"user_id": "bob"}))
        .await
        .expect(201);
    ada.patch(&in_team, json!({"role": "leader"}))
        .await
        .expect(200);
    ada.delete(&in_team).await.expect(204);
    let transfer = json!({"user_id": "bob"});
    let path = format!("{organization}/transfer-ownership");
    ada.post(&path, transfer).await.expect(200);
    root.patch("/users/bob", json!({"status": "disabled"}))
        .await
        .expect(200);
    root.patch("/users/bob", json!({"status": "enabled"}))
        .await
        .expect(200);
    ada.delete(&format!("{organization}/members/ada"))
        .await
        .expect(204);
    world.member(&id, "cyd", "owner", "active").await;
    root.delete(&member).await.expect(204);

    let events = root.all("/events").await;
    let mut expected = all(&[
        ("membership.accepted", "Bob B."),
        ("membership.reactivated", "Bob"),
        ("membership.removed", "Bob"),
        ("membership.role_changed", "Bob"),
        ("membership.suspended", "Bob"),
        ("organization.ownership_transferred", "Bob"),
        ("team_membership.updated", "Bob"),
        ("user.disabled", "Bob"),
        ("user.enabled", "Bob"),
        ("user.registered", "Bob B."),
        ("user.updated", "Bob"),
    ]);
    // Their requests read neither his profile nor his membership in the organization.
    for unnamed in [
        "membership.invited",
        "team_membership.added",
        "team_membership.removed",
    ] {
        expected.insert(unnamed.to_owned(), Value::Null);
    }
    assert_eq!(names_of(&events, "bob"), expected);
    // Her own changes have the name from her token.
    let expected = all(&[
        ("membership.added", "Ada"),
        ("membership.left", "Ada"),
        ("membership.role_changed", "Ada"),
        ("organization.ownership_transferred", "Ada"),
        ("user.registered", "Ada"),
    ]);
    assert_eq!(names_of(&events, "ada"), expected);
    // The name is kept apart from the record, which is never erased.
    for item in world.items().await {
        let record = item.get("record").map(ToString::to_string);
        assert!(!record.is_some_and(|it| it.contains("Bob") || it.contains("Ada")));
    }
}

#[tokio::test]
async fn changes_at_logins_name_the_user() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.settle("ada").await;
    setup.graph.leave("ada", "g-sales");
    setup.settle("ada").await;
    let events = setup.world.tenant_admin().all("/events").await;
    let expected = [
        "membership.added",
        "membership.removed",
        "team_membership.added",
        "team_membership.removed",
        "user.registered",
    ];
    let expected = expected.map(|it| (it, "ada of Acme"));
    assert_eq!(names_of(&events, "ada"), all(&expected));
}

/// Each removes their own name, also if the other has changed the event since it was read.
#[tokio::test]
async fn two_users_of_one_event_are_erased_at_once() {
    let (world, faults) = Faults::world(Options::default()).await;
    let root = world.tenant_admin();
    for (id, name) in [
        ("bob", "Bob the First"),
        ("eve", "Eve the Second"),
        ("ada", "Ada"),
    ] {
        let profile = json!({"display_name": name});
        root.put(&format!("/users/{id}"), profile).await.expect(201);
    }
    let bob = world.user("bob");
    let id = world.organization(&bob, "Rockets").await;
    world.member(&id, "eve", "member", "active").await;
    world.member(&id, "ada", "owner", "active").await;
    let transfer = format!("/organizations/{id}/transfer-ownership");
    bob.post(&transfer, json!({"user_id": "eve"}))
        .await
        .expect(200);
    let transferred = root
        .all("/events?type=organization.ownership_transferred")
        .await
        .remove(0);
    let targets = transferred["targets"].as_array().unwrap();
    let names: Vec<_> = targets.iter().map(|target| &target["name"]).collect();
    assert_eq!(names, ["Rockets", "Eve the Second", "Bob the First"]);
    let event_id = transferred["id"].as_str().unwrap();

    let mut held = faults.hold(&format!("UpdateItem {event_id}"));
    let first = tokio::spawn({
        let root = root.clone();
        async move { root.delete("/users/bob").await }
    });
    held.arrived().await;
    root.delete("/users/eve").await.expect(204);
    held.release();
    first.await.unwrap().expect(204);
    for item in world.items().await {
        let item = Value::Object(item).to_string();
        assert!(
            !item.contains("the First") && !item.contains("the Second"),
            "{item}"
        );
    }
}

#[tokio::test]
async fn a_user_who_erases_themselves_is_named_nowhere() {
    let world = World::start().await;
    let eve = named(&world, "eve", &["tenant-admins"], "Eve Adams");
    let profile = json!({"display_name": "Eve Adams"});
    eve.put("/users/eve", profile).await.expect(201);
    let id = world.organization(&world.user("ada"), "Rockets").await;
    world.member(&id, "eve", "admin", "active").await;
    let erase = eve
        .request(reqwest::Method::DELETE, "/users/eve")
        .header("user-agent", "eve-browser/1.0");
    eve.send(erase).await.expect(204);
    let events = world.tenant_admin().all("/events?user_id=eve").await;
    assert_eq!(events[0]["type"], "user.erased");
    for event in &events {
        let text = event.to_string();
        assert!(!text.contains("Eve Adams"), "{event}");
        if event["actor"]["id"] == "eve" {
            assert!(event["context"].get("source_ip").is_none(), "{event}");
            assert!(!text.contains("eve-browser"), "{event}");
        }
    }
}

/// Events of the last release have no names.
#[tokio::test]
async fn an_event_without_names_is_read() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let profile = json!({"display_name": "Bob"});
    root.put("/users/bob", profile).await.expect(201);
    let item = world.items().await;
    let event = item.iter().find(|it| it.contains_key("record")).unwrap();
    let text = |name: &str| event[name].as_str().unwrap();
    let personal = r#"{"source_ip":"203.0.113.5"}"#.to_owned();
    let personal = aws_sdk_dynamodb::types::AttributeValue::S(personal);
    world
        .tamper(text("pk"), text("sk"), "personal", personal)
        .await;
    let shown = root.all("/events").await.remove(0);
    assert_eq!(shown["targets"], json!([{"type": "user", "id": "bob"}]));
    assert_eq!(shown["context"]["source_ip"], "203.0.113.5");
    root.delete("/users/bob").await.expect(204);
}
