//! A write needs the caller's permission at the moment of the write: invariant 7 of the data model.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Faults, Reply, World, invariants};

/// Every write of an admin, and the owner's ways to revoke the permission.
fn writes_of_an_admin(id: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    let admin = json!({"user_id": "new", "role": "admin", "status": "active"});
    vec![
        ("PATCH", organization, Some(json!({"name": "Taken over"}))),
        ("POST", members.clone(), Some(admin)),
        (
            "PATCH",
            format!("{members}/max"),
            Some(json!({"role": "admin"})),
        ),
        (
            "PATCH",
            format!("{members}/bob"),
            Some(json!({"role": "org_admin"})),
        ),
        ("DELETE", format!("{members}/max"), None),
    ]
}

fn revocations() -> [(&'static str, Option<Value>); 3] {
    [
        ("PATCH", Some(json!({"role": "readonly"}))),
        ("PATCH", Some(json!({"status": "suspended"}))),
        ("DELETE", None),
    ]
}

async fn send(actor: Actor, method: &str, path: String, body: Option<Value>) -> Reply {
    let request = actor.request(method.parse().unwrap(), &path);
    actor
        .send(match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

/// Decided before the caller was disabled, written after.
#[tokio::test]
async fn a_write_in_flight_fails_after_its_caller_is_disabled() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    world.register(&["new"]).await;
    for number in 0..writes_of_an_admin("").len() {
        let id = world.organization(&ada, &format!("{number}")).await;
        let bob = world.member(&id, "bob", "admin", "active").await;
        world.member(&id, "max", "member", "active").await;
        let (method, path, body) = writes_of_an_admin(&id).swap_remove(number);
        let about = format!("{method} {path}");
        let mut held = proxy.hold("TransactWriteItems");
        let going = tokio::spawn(async move { send(bob, method, path, body).await });
        held.arrived().await;
        let disabled = json!({"status": "disabled"});
        root.patch("/users/bob", disabled).await.expect(200);
        let before = world.table().await;
        held.release();
        let reply = going.await.unwrap();
        reply.problem(403, "user-disabled");
        assert_eq!(world.table().await, before, "{about}");
        let enabled = json!({"status": "enabled"});
        root.patch("/users/bob", enabled).await.expect(200);
    }
}

/// The leader of a team without an organization has no membership in one that a write depends on.
#[tokio::test]
async fn a_disabled_leader_changes_no_team_of_the_tenant() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let root = world.tenant_admin();
    world.register(&["lee", "mia"]).await;
    let team = [("lee", "leader"), ("mia", "member")];
    let team = world.team(None, "Engines", &team).await;
    for (method, path, body) in [
        ("PATCH", team.clone(), Some(json!({"name": "Taken over"}))),
        ("DELETE", format!("{team}/members/mia"), None),
    ] {
        let lee = world.user("lee");
        let mut held = proxy.hold("TransactWriteItems");
        let going = tokio::spawn(async move { send(lee, method, path, body).await });
        held.arrived().await;
        let disabled = json!({"status": "disabled"});
        root.patch("/users/lee", disabled).await.expect(200);
        let before = world.table().await;
        held.release();
        going.await.unwrap().problem(403, "user-disabled");
        assert_eq!(world.table().await, before, "{method}");
        let enabled = json!({"status": "enabled"});
        root.patch("/users/lee", enabled).await.expect(200);
    }
}

/// Decided with the permission, written without.
#[tokio::test]
async fn a_write_in_flight_fails_after_the_revocation() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    world.register(&["new"]).await;
    for number in 0..writes_of_an_admin("").len() {
        for (how, with) in revocations() {
            let id = world
                .organization(&ada, &format!("{number} {how} {with:?}"))
                .await;
            let bob = world.member(&id, "bob", "admin", "active").await;
            world.member(&id, "max", "member", "active").await;
            let (method, path, body) = writes_of_an_admin(&id).swap_remove(number);
            let about = format!("{method} {path} {with:?}");

            let mut held = proxy.hold("TransactWriteItems");
            let going = tokio::spawn(async move { send(bob, method, path, body).await });
            held.arrived().await;
            let bobs = format!("/organizations/{id}/members/bob");
            let revoked = send(ada.clone(), how, bobs, with).await;
            assert!(revoked.status < 300, "{revoked:?}");
            let before = world.table().await;
            held.release();
            let reply = going.await.unwrap();
            assert!(matches!(reply.status, 403 | 404), "{about}: {reply:?}");
            assert_eq!(world.table().await, before, "{about}");
        }
    }
}

/// Every write on a team by its leader, then those of a manager of teams.
fn writes_on_a_team(id: &str, team: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let members = format!("{team}/members");
    let max = format!("{members}/max");
    vec![
        (
            "PATCH",
            team.to_owned(),
            Some(json!({"name": "Taken over"})),
        ),
        ("POST", members, Some(json!({"user_id": "kim"}))),
        ("PATCH", max.clone(), Some(json!({"role": "leader"}))),
        ("DELETE", max, None),
        (
            "POST",
            format!("/organizations/{id}/teams"),
            Some(json!({"name": "New"})),
        ),
        ("DELETE", team.to_owned(), None),
        (
            "POST",
            format!("{team}/members"),
            Some(json!({"user_id": "bob"})),
        ),
    ]
}

const WRITES_OF_A_LEADER: usize = 4;

/// Whether the membership in the team changes, and how.
fn revocations_of_a_leader() -> Vec<(bool, &'static str, Option<Value>)> {
    let suspended = || Some(json!({"status": "suspended"}));
    vec![
        (true, "PATCH", Some(json!({"role": "member"}))),
        (true, "PATCH", suspended()),
        (true, "DELETE", None),
        (false, "PATCH", suspended()),
        (false, "DELETE", None),
    ]
}

#[tokio::test]
async fn team_writes_in_flight_fail_after_the_revocation() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let of_a_manager = revocations().map(|(how, with)| (false, how, with)).to_vec();
    for (role, writes, revocations) in [
        ("member", WRITES_OF_A_LEADER, revocations_of_a_leader()),
        ("manager", writes_on_a_team("", "").len(), of_a_manager),
    ] {
        for (number, (in_team, how, with)) in
            (0..writes).flat_map(|number| revocations.iter().map(move |way| (number, way.clone())))
        {
            let name = format!("{role} {number} {in_team} {how} {with:?}");
            let id = world.organization(&ada, &name).await;
            let organization = format!("/organizations/{id}");
            let bob = world.member(&id, "bob", role, "active").await;
            for member in ["max", "kim"] {
                world.member(&id, member, "member", "active").await;
            }
            let team = world.team(Some(&id), "Sales", &[("max", "member")]).await;
            let members = format!("{team}/members");
            if role == "member" {
                let leader = json!({"user_id": "bob", "role": "leader"});
                ada.post(&members, leader).await.expect(201);
            }
            let (method, path, body) = writes_on_a_team(&id, &team).swap_remove(number);

            let mut held = proxy.hold("TransactWriteItems");
            let going = tokio::spawn(async move { send(bob, method, path, body).await });
            held.arrived().await;
            let of = if in_team { &team } else { &organization };
            let revoked = send(ada.clone(), how, format!("{of}/members/bob"), with).await;
            assert!(revoked.status < 300, "{revoked:?}");
            let before = world.table().await;
            held.release();
            let reply = going.await.unwrap();
            assert!(matches!(reply.status, 403 | 404), "{name}: {reply:?}");
            assert_eq!(world.table().await, before, "{name}");
        }
    }
}

/// A leader's change of their own membership is decided by the version that was read, and cannot
/// overwrite a later one.
#[tokio::test]
async fn a_demoted_leader_cannot_undo_the_change() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let in_team = revocations_of_a_leader().into_iter().filter(|way| way.0);
    for (number, (_, how, with)) in in_team.enumerate() {
        for (method, body) in [
            ("PATCH", Some(json!({"role": "leader"}))),
            ("PATCH", Some(json!({"status": "active"}))),
            ("DELETE", None),
        ] {
            let id = world
                .organization(&ada, &format!("{number} {body:?}"))
                .await;
            let bob = world.member(&id, "bob", "member", "active").await;
            let team = world.team(Some(&id), "Sales", &[("bob", "leader")]).await;
            let members = format!("{team}/members");
            let name = format!("{method} {body:?} {how} {with:?}");

            // The request has read the team and bob's membership in it, but not his membership in
            // the organization.
            let (mut first, mut second) = (proxy.hold("BatchGetItem"), proxy.hold("BatchGetItem"));
            let own = format!("{members}/me");
            let going = tokio::spawn(async move { send(bob, method, own, body).await });
            first.arrived().await;
            first.release();
            second.arrived().await;
            let revoked = send(ada.clone(), how, format!("{members}/bob"), with.clone()).await;
            assert!(revoked.status < 300, "{revoked:?}");
            let before = world.table().await;
            second.release();
            let reply = going.await.unwrap();
            // The request needs no change, or bob lacks the permission.
            let as_read = method == "PATCH" && reply.status == 200;
            // A member may leave, but not a suspended one.
            let is_suspended = with
                .as_ref()
                .is_some_and(|with| with["status"] == "suspended");
            let leaves = method == "DELETE" && reply.status == 204 && !is_suspended;
            let refused = matches!(reply.status, 403 | 404);
            assert!(as_read || leaves || refused, "{name}: {reply:?}");
            if !leaves {
                assert_eq!(world.table().await, before, "{name}");
            }
        }
    }
}

/// After the response to the revocation, no concurrent write succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_who_lost_a_right_write_nothing() {
    for (how, with) in revocations() {
        let world = World::start().await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        let bob = world.member(&id, "bob", "admin", "active").await;
        let organization = format!("/organizations/{id}");
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let (bob, path, stop) = (bob.clone(), organization.clone(), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut done = 0;
                    let mut round = 0;
                    loop {
                        round += 1;
                        let last = stop.load(Ordering::SeqCst);
                        let body = json!({"metadata": {format!("by-{n}"): round}});
                        let reply = bob.patch(&path, body).await;
                        assert!(!last || reply.status >= 400, "{reply:?}");
                        done += usize::from(reply.status == 200);
                        if last || reply.status != 200 {
                            return (done, reply.status);
                        }
                    }
                })
            })
            .collect();
        // Lets some writes through first.
        while ada.get(&organization).await.expect(200).body["version"].as_u64() < Some(10) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let revoked = send(ada, how, format!("{organization}/members/bob"), with).await;
        assert!(revoked.status < 300, "{revoked:?}");
        let before = world.table().await;
        stop.store(true, Ordering::SeqCst);
        let mut done = 0;
        for writer in writers {
            let (made, last) = writer.await.unwrap();
            assert!(matches!(last, 403 | 404 | 409), "{last}");
            done += made;
        }
        assert!(done >= 9, "{done}");
        assert_eq!(world.table().await, before);
        invariants::check(&world.items().await);
    }
}
