//! Erasing a user leaves nothing of the person in the table but the bare id.

mod invitations;

use std::collections::BTreeMap;
use std::time::Duration;

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Fault, Faults, World, at_once, invariants, statuses};

use crate::sync::setup::{ORGANIZATIONS, Setup};

const EVE: &str = "/users/eve";
/// Personal data of eve beyond her id.
const PERSONAL: [&str; 3] = ["Eve Adams", "eve.adams@", "eve-browser"];

/// A user of the tenant with a name and a browser in her token and her requests.
async fn eve(world: &World) -> Actor {
    let profile = json!({"display_name": "Eve Adams", "email": "eve.adams@acme.example"});
    world.tenant_admin().put(EVE, profile).await.expect(201);
    let claims = json!({"sub": "eve", "tenant_id": "acme", "name": "Eve Adams"});
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    world.bearer("eve", Some(token.unwrap()))
}

async fn rename(eve: &Actor, organization: &str, name: &str) {
    let request = eve
        .request(reqwest::Method::PATCH, organization)
        .header("user-agent", "eve-browser/1.0")
        .json(&json!({"name": name}));
    eve.send(request).await.expect(200);
}

/// The items that contain a personal detail.
async fn personal(world: &World) -> Vec<String> {
    let items = world.items().await.into_iter();
    let items = items.map(|item| Value::Object(item).to_string());
    items
        .filter(|item| PERSONAL.iter().any(|detail| item.contains(detail)))
        .collect()
}

/// An organization of ada and eve, with a team that eve leads; and eve invited into another one, in a standalone team,
/// and with an organization that she owned and deleted with another owner.
async fn furnished(world: &World) -> (Actor, String) {
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let eve = eve(world).await;
    let id = world.organization(&ada, "Rockets").await;
    let organization = format!("/organizations/{id}");
    let owner = json!({"user_id": "eve", "role": "owner", "status": "active"});
    let members = format!("{organization}/members");
    ada.post_once(&members, "k1", owner).await.expect(201);
    rename(&eve, &organization, "Rockets of Eve").await;
    world.team(Some(&id), "Engines", &[("eve", "leader")]).await;
    world.team(None, "Alone", &[("eve", "member")]).await;
    let other = world.organization(&ada, "Other").await;
    let invited = json!({"user_id": "eve", "role": "admin"});
    let others = format!("/organizations/{other}/members");
    ada.post(&others, invited).await.expect(201);
    eve.get("/users/me/organizations?status=all")
        .await
        .expect(200);
    root.get(EVE).await.expect(200);
    (eve, id)
}

#[tokio::test]
async fn an_erased_user_leaves_only_their_id() {
    let world = World::start().await;
    let (eve, id) = furnished(&world).await;
    assert!(personal(&world).await.len() >= 2);
    let root = world.tenant_admin();
    // Changes of others name her.
    let profile = json!({"display_name": "Eve Adams", "email": "eve.adams@other.example"});
    root.put(EVE, profile).await.expect(200);
    let member = format!("/organizations/{id}/members/eve");
    for role in ["admin", "owner"] {
        let role = json!({"role": role});
        world.user("ada").patch(&member, role).await.expect(200);
    }
    let before = root.all("/events").await;
    let named = |event: &&Value| event["targets"].to_string().contains("Eve Adams");
    assert!(before.iter().filter(named).count() >= 4, "{before:?}");
    root.delete(EVE).await.expect(204);
    assert_eq!(personal(&world).await, Vec::<String>::new());
    let of_eve = |item: &serde_json::Map<String, Value>| item["pk"] == "TENANT#acme#USER#eve";
    assert!(!world.items().await.iter().any(of_eve));
    root.get(EVE).await.problem(404, "not-found");
    let members = format!("/organizations/{id}/members?status=all");
    assert_eq!(root.all(&members).await.len(), 1);
    eve.get(&format!("/organizations/{id}"))
        .await
        .problem(404, "not-found");

    // The events stay, without the personal details of eve alone.
    let after = root.all("/events").await;
    let of = |events: &[Value]| -> BTreeMap<String, Value> {
        let events = events.iter().cloned();
        events.map(|it| (it["id"].to_string(), it)).collect()
    };
    let (before, mut after) = (of(&before), of(&after));
    for (id, mut event) in before {
        if event["actor"]["id"] == "eve" {
            event["actor"].as_object_mut().unwrap().remove("name");
            let context = event["context"].as_object_mut().unwrap();
            context.remove("source_ip");
            context.remove("user_agent");
        }
        for target in event["targets"].as_array_mut().unwrap() {
            if target["id"] == "eve" {
                target.as_object_mut().unwrap().remove("name");
            }
        }
        assert_eq!(after.remove(&id), Some(event));
    }
    let mut types: Vec<_> = after
        .values()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    types.sort_unstable();
    let expected = [
        "membership.removed",
        "membership.removed",
        "team_membership.removed",
        "user.erased",
    ];
    assert_eq!(types, expected);
    let erased = after.values().find(|it| it["type"] == "user.erased");
    let erased = erased.unwrap();
    assert_eq!(erased["targets"], json!([{"type": "user", "id": "eve"}]));
    assert_eq!(
        (&erased["changes"], &erased["actor"]["id"]),
        (&json!({}), &json!("root"))
    );

    // Again, and for a user who was never known.
    let table = world.table().await;
    root.delete(EVE).await.expect(204);
    root.delete("/users/nobody").await.expect(204);
    assert_eq!(world.table().await, table);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn the_last_owner_of_organizations_is_not_erased() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let eve = eve(&world).await;
    let live = world.organization(&eve, "Live").await;
    let deleted = world.organization(&eve, "Deleted").await;
    let path = format!("/organizations/{deleted}");
    eve.delete(&path).await.expect(204);
    let before = world.table().await;
    let refused = root.delete(EVE).await.problem(409, "last-owner");
    let mut errors = refused.body["errors"].as_array().unwrap().clone();
    errors.sort_by_key(|it| it["detail"].to_string());
    let expected = json!([
        {"pointer": format!("/organizations/{deleted}"), "detail": "has the user as its last active owner (\"Deleted\", which is deleted; restore it first)"},
        {"pointer": format!("/organizations/{live}"), "detail": "has the user as its last active owner (\"Live\")"},
    ]);
    assert_eq!(json!(errors), expected);
    assert_eq!(world.table().await, before);
    // With another owner in each, it works, and the deleted one can be restored.
    root.post_empty(&format!("{path}/restore"))
        .await
        .expect(200);
    for id in [&live, &deleted] {
        world.member(id, "ada", "owner", "active").await;
    }
    world.user("ada").delete(&path).await.expect(204);
    root.delete(EVE).await.expect(204);
    world
        .user("ada")
        .post_empty(&format!("{path}/restore"))
        .await
        .expect(200);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_an_enabled_tenant_admin_erases_a_user() {
    let world = World::start().await;
    let (eve, _) = furnished(&world).await;
    world.register(&["root"]).await;
    let before = world.table().await;
    eve.delete("/users/ada").await.problem(403, "forbidden");
    eve.delete(EVE).await.problem(403, "forbidden");
    let foreign = world.tenant_admin_of("globex");
    foreign.delete(EVE).await.expect(204);
    let root = world.tenant_admin();
    let stale = root
        .request(reqwest::Method::DELETE, EVE)
        .header("if-match", "\"9\"");
    root.send(stale).await.problem(412, "version-mismatch");
    assert_eq!(world.table().await, before);
    let other = world.actor("acme", "other-root", &["tenant-admins"]);
    let disabled = json!({"status": "disabled"});
    other.patch("/users/root", disabled).await.expect(200);
    root.delete(EVE).await.problem(403, "user-disabled");
}

/// Stops at each call in turn. A repeated request completes the erasure.
#[tokio::test]
async fn an_interrupted_erasure_is_continued() {
    for (operation, at_least) in [("TransactWriteItems", 5), ("UpdateItem", 1), ("Query", 10)] {
        let mut before = 0;
        loop {
            let (world, faults) = Faults::world(Options::default()).await;
            furnished(&world).await;
            let root = world.tenant_admin();
            let mut planned = vec![Fault::Delay(Duration::ZERO); before];
            planned.extend([Fault::Failure(500); 60]);
            faults.next(operation, &planned);
            let reply = root.delete(EVE).await;
            faults.stop();
            let what = format!("{operation} {before}: {reply:?}");
            if reply.status != 204 {
                assert_eq!(reply.status, 503, "{what}");
                root.delete(EVE).await.expect(204);
            }
            assert_eq!(personal(&world).await, Vec::<String>::new(), "{what}");
            invariants::check(&world.items().await);
            if reply.status == 204 {
                assert!(before >= at_least, "{what}");
                break;
            }
            // Queries of the partitions of events are alike.
            before += if operation == "Query" { 5 } else { 1 };
        }
    }
}

#[tokio::test]
async fn while_a_user_is_erased_they_cannot_be_added_or_changed() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (eve, id) = furnished(&world).await;
    let root = world.tenant_admin();
    // Marked, and then stopped.
    let mut mark = faults.hold("TransactWriteItems");
    let going = tokio::spawn({
        let root = root.clone();
        async move { root.delete(EVE).await }
    });
    mark.arrived().await;
    let mut held = faults.hold("TransactWriteItems");
    mark.release();
    held.arrived().await;
    eve.get(&format!("/organizations/{id}"))
        .await
        .problem(403, "user-disabled");
    let organization = world.organization(&world.user("ada"), "New").await;
    let members = format!("/organizations/{organization}/members");
    let new = json!({"user_id": "eve"});
    root.post(&members, new).await.problem(422, "unknown-user");
    let name = json!({"display_name": "Eve Adams"});
    root.put(EVE, name).await.problem(409, "conflict");
    let enabled = json!({"status": "enabled"});
    root.patch(EVE, enabled).await.problem(409, "conflict");
    held.release();
    going.await.unwrap().expect(204);
    assert_eq!(personal(&world).await, Vec::<String>::new());
}

/// Two owners are erased at once: one of them remains, as they were.
#[tokio::test]
async fn two_last_owners_erased_at_once_leave_one() {
    let world = World::start().await;
    let root = world.tenant_admin();
    for round in 0..5 {
        let (one, other) = (format!("one{round}"), format!("other{round}"));
        world.register(&[&one, &other]).await;
        let owner = world.user(&one);
        let id = world.organization(&owner, &format!("Of {round}")).await;
        world.member(&id, &other, "owner", "active").await;
        let erase = [one.clone(), other.clone()].map(|user| {
            let root = root.clone();
            async move { root.delete(&format!("/users/{user}")).await }
        });
        let replies = at_once(erase).await;
        let counted = statuses(&replies);
        assert_eq!(counted, BTreeMap::from([(204, 1), (409, 1)]), "{replies:?}");
        let left = if replies[0].status == 409 { one } else { other };
        let left = root.get(&format!("/users/{left}")).await.expect(200);
        assert_eq!(left.body["status"], "enabled");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_erasure_sent_several_times_at_once_succeeds() {
    let world = World::start().await;
    furnished(&world).await;
    let root = world.tenant_admin();
    let erase = (0..4).map(|_| {
        let root = root.clone();
        async move { root.delete(EVE).await }
    });
    let replies = at_once(erase).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(204, 4)]));
    assert_eq!(personal(&world).await, Vec::<String>::new());
    let erased = root.all("/events?type=user.erased").await;
    assert_eq!(erased.len(), 1);
    invariants::check(&world.items().await);
}

/// The login is recorded, then the user is erased, then the login joins them to their groups.
#[tokio::test]
async fn a_login_under_way_leaves_nothing_of_an_erased_user() {
    let (setup, faults) = Setup::with_faults_and_stream(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.settle("bob").await;
    let root = setup.world.tenant_admin();
    root.put("/users/ada", json!({})).await.expect(201);
    let mut held = faults.hold("BatchGetItem");
    let login = setup.login("ada");
    let erase = async {
        held.arrived().await;
        root.delete("/users/ada").await.expect(204);
        held.release();
    };
    tokio::join!(login, erase);
    let of_ada = |item: &serde_json::Map<String, Value>| item["pk"] == "TENANT#acme#USER#ada";
    let left: Vec<_> = setup
        .world
        .items()
        .await
        .into_iter()
        .filter(of_ada)
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // Their name is in an event of the login, until a function that follows the stream removes it.
    let is_named = async || {
        let items = setup.world.items().await.into_iter();
        let mut items = items.map(|item| Value::Object(item).to_string());
        items.any(|item| item.contains("ada of Acme"))
    };
    let removed = async {
        while is_named().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let removed = tokio::time::timeout(Duration::from_secs(30), removed);
    removed.await.expect("events that do not name the user");
    let joined = root.all("/events?type=membership.added&user_id=ada").await;
    assert_eq!(joined.len(), 1, "{joined:?}");
    // The next login makes a user of them again.
    setup.expect("ada", "synced").await;
    setup.check().await;
}
