//! Indexes and eventually consistent reads lag behind the table. Lists may be stale, but permissions and the
//! conditions of writes never are.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use muster::domain::{Clock, Timestamp};
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

/// A world whose time the test moves, with an organization of ada, a team in it, and bob in both.
async fn world_of_a_team() -> (World, Faults, Arc<AtomicI64>, String, String) {
    let behind = Arc::new(AtomicI64::new(-3_600_000));
    let (system, offset) = (Clock::system(), Arc::clone(&behind));
    let clock = Clock::from_fn(move || {
        let now = system.now().as_millisecond() + offset.load(Ordering::Relaxed);
        (Timestamp::from_millisecond(now).unwrap(), system.new_id())
    });
    let options = Options {
        clock,
        ..Options::default()
    };
    let (world, faults) = Faults::world(options).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    world.member(&id, "bob", "org_admin", "active").await;
    let teams = format!("/organizations/{id}/teams");
    let team = ada.post(&teams, json!({"name": "Red"})).await.expect(201);
    let team = format!("/teams/{}", team.body["id"].as_str().unwrap());
    for user in ["ada", "bob"] {
        let body = json!({"user_id": user});
        ada.post(&format!("{team}/members"), body).await.expect(201);
    }
    (world, faults, behind, id, team)
}

async fn own_names(actor: &Actor) -> (Vec<String>, Vec<String>) {
    let organizations = actor.all("/users/me/organizations").await;
    let teams = actor.all("/users/me/teams").await;
    let name = |item: &Value, of: &str| item[of]["name"].as_str().unwrap().to_owned();
    (
        organizations
            .iter()
            .map(|it| name(it, "organization"))
            .collect(),
        teams.iter().map(|it| name(it, "team")).collect(),
    )
}

#[tokio::test]
async fn own_lists_show_own_writes_at_once_and_others_later() {
    let (world, faults, behind, id, team) = world_of_a_team().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let both = |one: &str, other: &str| (vec![one.to_owned()], vec![other.to_owned()]);
    // An hour after the last write.
    behind.store(0, Ordering::Relaxed);
    faults.hold_indexes_back(&world).await;
    for (path, name) in [
        (format!("/organizations/{id}"), "Globex"),
        (team.clone(), "Blue"),
    ] {
        ada.patch(&path, json!({"name": name})).await.expect(200);
    }
    assert_eq!(own_names(&ada).await, both("Globex", "Blue"));
    assert_eq!(own_names(&bob).await, both("Acme", "Red"));
    // What decides about access is never late.
    ada.delete(&format!("/organizations/{id}/members/bob"))
        .await
        .expect(204);
    assert_eq!(own_names(&bob).await, (vec![], vec![]));
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    assert_eq!(own_names(&ada).await, (vec![], vec![]));
    faults.catch_up(&world).await;
    assert_eq!(own_names(&ada).await, (vec![], vec![]));
}

#[tokio::test]
async fn own_lists_of_a_tenant_admin_are_never_stale() {
    let (world, faults, behind, id, team) = world_of_a_team().await;
    let root = world.tenant_admin();
    behind.store(0, Ordering::Relaxed);
    faults.hold_indexes_back(&world).await;
    for (path, name) in [(format!("/organizations/{id}"), "Globex"), (team, "Blue")] {
        root.patch(&path, json!({"name": name})).await.expect(200);
    }
    for (list, of, name) in [
        ("organizations", "organization", "Globex"),
        ("teams", "team", "Blue"),
    ] {
        let items = root.all(&format!("/users/bob/{list}")).await;
        assert_eq!(items[0][of]["name"], name);
    }
}

#[tokio::test]
async fn a_suspended_member_leaves_stale_lists_of_teams() {
    let (world, faults, behind, id, _) = world_of_a_team().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    behind.store(0, Ordering::Relaxed);
    faults.hold_indexes_back(&world).await;
    let bob_in = format!("/organizations/{id}/members/bob");
    ada.patch(&bob_in, json!({"status": "suspended"}))
        .await
        .expect(200);
    assert!(bob.all("/users/me/teams").await.is_empty());
}

/// The claim `organizations` of a new token.
async fn organizations_in_token(world: &World, user: &str) -> Value {
    let event = json!({
        "version": "2", "triggerSource": "TokenGeneration_HostedAuth", "userName": user,
        "request": {"userAttributes": {"sub": user, "custom:tenant_id": "acme"}}, "response": {},
    });
    let answer = world.invoke("pre-token", &event).await;
    let details = &answer["response"]["claimsAndScopeOverrideDetails"];
    details["accessTokenGeneration"]["claimsToAddOrOverride"]["organizations"].clone()
}

#[tokio::test]
async fn a_token_with_stale_reads_has_the_current_roles() {
    let (world, faults, behind, id, _) = world_of_a_team().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    behind.store(0, Ordering::Relaxed);
    faults.hold_indexes_back(&world).await;
    // An organization that is made or joined a moment ago is in the token.
    let made = world.organization(&bob, "Initech").await;
    let roles = json!({&id: "org_admin", &made: "owner"});
    assert_eq!(organizations_in_token(&world, "bob").await, roles);
    let bob_in = format!("/organizations/{id}/members/bob");
    ada.patch(&bob_in, json!({"role": "manager"}))
        .await
        .expect(200);
    let roles = json!({&id: "manager", &made: "owner"});
    assert_eq!(organizations_in_token(&world, "bob").await, roles);
    ada.delete(&bob_in).await.expect(204);
    let roles = json!({&made: "owner"});
    assert_eq!(organizations_in_token(&world, "bob").await, roles);
    bob.delete(&format!("/organizations/{made}"))
        .await
        .expect(204);
    assert_eq!(organizations_in_token(&world, "bob").await, json!({}));
}
