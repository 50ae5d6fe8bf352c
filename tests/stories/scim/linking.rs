//! Which user a directory user is linked to.

use std::collections::BTreeSet;

use muster::domain::ScimUser;
use muster::store::Error;
use serde_json::json;

use super::effect::{BOTH, NONE, Scene, adding, organizations};
use super::live;
use crate::domains::verified;

/// 26: A first match by email never takes over an account.
#[tokio::test]
async fn case_26_an_address_links_only_if_verified_here() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", None).await;
    let group = scene.group("First").await;
    scene.change(&group, adding(&[&ada])).await;
    let proven = json!({"email_verified": "true"});
    scene.login("ada").await;
    assert_eq!(scene.linked(&ada).await, None, "not verified");
    scene.login_with("ada", proven.clone()).await;
    assert_eq!(scene.linked(&ada).await, None, "not a domain of the tenant");
    assert_eq!(scene.memberships("ada").await, NONE);
    let owner = scene.world.user("boss");
    let office = scene.world.organization(&owner, "Head office").await;
    verified(&scene.world, &owner, &office, "acme.example").await;
    scene.login_with("ada", proven).await;
    assert_eq!(scene.linked(&ada).await.as_deref(), Some("ada"));
    assert_eq!(scene.memberships("ada").await, BOTH);
    // The address of the directory never becomes the address of the user.
    let edit = |before: &ScimUser, _| {
        Ok::<_, Error>(ScimUser {
            emails: BTreeSet::from(["eve@acme.example".to_owned()]),
            ..before.clone()
        })
    };
    let (store, scope) = (&scene.store, &scene.scope);
    let written = store.change_scim_user(scope, &ada, None, edit).await;
    written.unwrap();
    scene.login("ada").await;
    let profile = scene.world.user("ada").get("/users/ada").await;
    assert_eq!(profile.expect(200).body["email"], "ada@acme.example");
    assert_eq!(scene.linked(&ada).await.as_deref(), Some("ada"));
    scene.check().await;
}

/// 29: A login of an inactive user makes no second user.
#[tokio::test]
async fn case_29_a_login_of_an_inactive_user_makes_no_twin() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    scene.set_active(&ada, false).await;
    scene.login("ada").await;
    assert_eq!(scene.linked(&ada).await.as_deref(), Some("ada"));
    assert!(scene.is_disabled("ada").await);
    // Nor does another user get the link.
    scene
        .login_with("twin", json!({"custom:entra_object_id": "object-ada"}))
        .await;
    assert_eq!(scene.linked(&ada).await.as_deref(), Some("ada"));
    assert_eq!(scene.memberships("twin").await, NONE);
}

/// 32: A link of a deactivated twin does not stay in the way.
#[tokio::test]
async fn case_32_an_active_one_replaces_a_stale_link() {
    let scene = Scene::open(&organizations()).await;
    let old = scene.user("old", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.login("ada").await;
    scene.set_active(&old, false).await;
    let new = scene.user("ada", Some("object-ada")).await;
    scene.change(&group, adding(&[&new])).await;
    scene.login("ada").await;
    assert_eq!(scene.linked(&old).await, None);
    assert_eq!(scene.linked(&new).await.as_deref(), Some("ada"));
    assert!(!scene.is_disabled("ada").await);
    assert_eq!(scene.memberships("ada").await, BOTH);
    // The old one is another person from now on.
    scene.set_active(&old, true).await;
    scene.set_active(&old, false).await;
    assert!(!scene.is_disabled("ada").await);
}

#[tokio::test]
async fn deleting_a_directory_user_ends_what_it_gave() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.change(&group, adding(&[&ada])).await;
    scene.login("ada").await;
    scene
        .world
        .organization(&scene.world.user("ada"), "Hers")
        .await;
    scene.delete(&ada).await;
    assert_eq!(scene.memberships("ada").await, ["ORG active manual"]);
    // The same person is another directory user, and is linked again.
    let again = scene.user("ada", Some("object-ada")).await;
    scene.change(&group, adding(&[&again])).await;
    scene.login("ada").await;
    assert_eq!(scene.linked(&again).await.as_deref(), Some("ada"));
    assert_eq!(scene.memberships("ada").await.len(), 3);
    scene.check().await;
}

/// Many directory users share what a login is found by, and only one of them is active.
#[tokio::test]
async fn more_than_ten_matches_link_no_user() {
    let (scene, _) = live::Scene::faulty().await;
    let body =
        |n: usize| json!({"userName": format!("twin-{n}"), "externalId": "ada", "active": n == 0});
    let mut ids = Vec::new();
    for n in 0..10 {
        let made = scene.provider.post("/Users", body(n)).await;
        ids.push(made.expect(201).id());
    }
    let more = scene.provider.post("/Users", body(10)).await.expect(201);
    let filter = "/Users?filter=externalId%20eq%20%22ada%22";
    let found = scene.provider.get(filter).await.expect(200);
    assert_eq!(found.body["totalResults"], 11);
    scene.login("ada").await;
    let is_linked = async || {
        let items = scene.world.items().await;
        let mut users = items.iter().filter(|item| item.contains_key("scim_user"));
        users.any(|item| item["user_id"] == "ada")
    };
    assert!(!is_linked().await);
    let path = format!("/Users/{}", more.id());
    scene.provider.call("DELETE", &path, None).await.expect(204);
    scene.login("ada").await;
    assert!(is_linked().await);
}
