//! Indexes lag behind the table. Lists may be stale, but permissions and the conditions of writes
//! never are.

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Faults, World};

/// A world with an organization of ada, and cyd as a member; the indexes lack later changes.
async fn world() -> (World, Faults, Actor, String) {
    let (world, faults) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    world.member(&id, "cyd", "admin", "active").await;
    world.register(&["bob"]).await;
    faults.hold_indexes_back(&world).await;
    (world, faults, ada, id)
}

fn names(items: &[Value], name: &str) -> Vec<String> {
    let text = |item: &Value| item[name].as_str().unwrap().to_owned();
    let mut names: Vec<_> = items.iter().map(text).collect();
    names.sort();
    names
}

#[tokio::test]
async fn member_lists_may_be_stale_but_permissions_are_not() {
    let (world, faults, ada, id) = world().await;
    let members = format!("/organizations/{id}/members");
    let (bob, cyd) = (world.user("bob"), world.user("cyd"));
    let body = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, body.clone()).await.expect(201);
    ada.delete(&format!("{members}/cyd")).await.expect(204);
    assert_eq!(names(&ada.all(&members).await, "user_id"), ["ada", "cyd"]);
    // Membership is read from the table.
    bob.get(&members).await.expect(200);
    bob.get(&format!("{members}/bob")).await.expect(200);
    cyd.get(&members).await.problem(404, "not-found");
    ada.get(&format!("{members}/cyd"))
        .await
        .problem(404, "not-found");
    // Writes use the table.
    ada.post(&members, body).await.expect(200);
    faults.catch_up(&world).await;
    assert_eq!(names(&ada.all(&members).await, "user_id"), ["ada", "bob"]);
}

#[tokio::test]
async fn unique_names_do_not_depend_on_an_index() {
    let (world, faults, ada, id) = world().await;
    let root = world.tenant_admin();
    let acme = json!({"name": "Acme"});
    ada.patch(&format!("/organizations/{id}"), json!({"name": "Globex"}))
        .await
        .expect(200);
    assert_eq!(names(&root.all("/organizations").await, "name"), ["Acme"]);
    // Released and taken immediately.
    let second = world.organization(&ada, "Acme").await;
    ada.post("/organizations", acme.clone())
        .await
        .problem(409, "name-taken");
    ada.delete(&format!("/organizations/{second}"))
        .await
        .expect(204);
    world.organization(&ada, "Acme").await;
    faults.catch_up(&world).await;
    assert_eq!(
        names(&root.all("/organizations").await, "name"),
        ["Acme", "Globex"]
    );
}

#[tokio::test]
async fn deleted_organizations_are_hidden_immediately() {
    let (world, faults, ada, id) = world().await;
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    let cyd = world.user("cyd");
    for actor in [&ada, &cyd] {
        assert!(actor.all("/users/me/organizations").await.is_empty());
        let members = format!("/organizations/{id}/members");
        actor.get(&members).await.problem(404, "not-found");
    }
    faults.catch_up(&world).await;
    assert!(world.tenant_admin().all("/organizations").await.is_empty());
}

#[tokio::test]
async fn a_cursor_of_a_stale_list_remains_valid() {
    let (world, faults, ada, id) = world().await;
    let members = format!("/organizations/{id}/members");
    ada.post(&members, json!({"user_id": "bob", "status": "active"}))
        .await
        .expect(201);
    let first = ada.get(&format!("{members}?limit=1")).await.expect(200);
    assert_eq!(first.body["items"][0]["user_id"], "ada");
    let cursor = first.body["next_cursor"].as_str().unwrap();
    faults.catch_up(&world).await;
    let rest = ada.get(&format!("{members}?cursor={cursor}")).await;
    let rest = rest.expect(200).body["items"].as_array().unwrap().clone();
    assert_eq!(names(&rest, "user_id"), ["bob", "cyd"]);
}

/// Its members are removed page by page, each read once, whether or not the index has caught up.
#[tokio::test]
async fn a_team_is_cleared_once_with_a_stale_index() {
    let (world, faults) = Faults::world(Options::default()).await;
    let root = world.tenant_admin();
    let team = root
        .post("/teams", json!({"name": "Team"}))
        .await
        .expect(201);
    let team = format!("/teams/{}", team.body["id"].as_str().unwrap());
    for n in 0..30 {
        let user = format!("user-{n:02}");
        world.register(&[&user]).await;
        let body = json!({"user_id": user});
        root.post(&format!("{team}/members"), body)
            .await
            .expect(201);
    }
    faults.hold_indexes_back(&world).await;
    world.calls.take();
    root.delete(&team).await.expect(204);
    let calls = world.calls.operations();
    let cleared: Vec<_> = calls.iter().skip_while(|call| *call != "Query").collect();
    assert_eq!(
        cleared,
        ["Query", "BatchWriteItem", "Query", "BatchWriteItem"]
    );
    let left = world.items().await;
    assert!(
        left.iter()
            .all(|item| !item["sk"].as_str().unwrap().starts_with("TEAM#"))
    );
    faults.catch_up(&world).await;
}
