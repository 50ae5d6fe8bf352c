//! An organization always keeps an owner.

use serde_json::{Value, json};
use support::{Actor, Faults, World, at_once, invariants};

async fn two_owners(world: &World, name: &str) -> (String, Actor, Actor) {
    let ada = world.user("ada");
    let id = world.organization(&ada, name).await;
    let bob = world.member(&id, "bob", "owner", "active").await;
    (id, ada, bob)
}

/// Every way to stop being an owner, as method and body.
fn ways_out() -> [(&'static str, Option<Value>); 4] {
    [
        ("PATCH", Some(json!({"role": "member"}))),
        ("PUT", Some(json!({"status": "suspended"}))),
        (
            "PATCH",
            Some(json!({"role": "readonly", "status": "suspended"})),
        ),
        ("DELETE", None),
    ]
}

async fn go(
    actor: Actor,
    path: String,
    (method, body): (&'static str, Option<Value>),
) -> support::Reply {
    let request = actor.request(method.parse().unwrap(), &path);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    actor.send(request).await
}

#[tokio::test]
async fn the_last_owner_cannot_be_removed() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    // None of these is an active owner.
    world.member(&id, "bob", "owner", "invited").await;
    world.member(&id, "eve", "owner", "suspended").await;
    world.member(&id, "max", "admin", "active").await;
    let path = format!("/organizations/{id}/members/ada");
    let before = world.table().await;
    for way in ways_out() {
        for actor in [ada.clone(), world.tenant_admin()] {
            go(actor, path.clone(), way.clone())
                .await
                .problem(409, "last-owner");
        }
    }
    let force = format!("{path}?force=true");
    world
        .tenant_admin()
        .delete(&force)
        .await
        .problem(409, "last-owner");
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn an_owner_can_leave_if_another_one_is_active() {
    for way in ways_out() {
        let world = World::start().await;
        let (id, ada, bob) = two_owners(&world, "Acme").await;
        let members = format!("/organizations/{id}/members");
        let reply = go(ada, format!("{members}/ada"), way.clone()).await;
        assert!(reply.status < 300, "{reply:?}");
        go(bob.clone(), format!("{members}/bob"), way)
            .await
            .problem(409, "last-owner");
        bob.get(&format!("/organizations/{id}")).await.expect(200);
        invariants::check(&world.items().await);
    }
}

#[tokio::test]
async fn an_invited_owner_counts_after_acceptance() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "owner", "invited").await;
    let members = format!("/organizations/{id}/members");
    ada.delete(&format!("{members}/me"))
        .await
        .problem(409, "last-owner");
    bob.post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200);
    invariants::check(&world.items().await);
    ada.delete(&format!("{members}/me")).await.expect(204);
    bob.delete(&format!("{members}/me"))
        .await
        .problem(409, "last-owner");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_active_owners_count() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    world.member(&id, "bob", "member", "active").await;
    let bob = format!("/organizations/{id}/members/bob");
    let own = format!("/organizations/{id}/members/ada");
    let leave = json!({"role": "admin"});
    for (change, is_owner) in [
        (json!({"role": "owner"}), true),
        (json!({"status": "suspended"}), false),
        (json!({"role": "manager"}), false),
        (json!({"role": "owner"}), false),
        (json!({"status": "active"}), true),
        (json!({"role": "admin", "status": "suspended"}), false),
        (json!({"role": "owner", "status": "active"}), true),
    ] {
        let root = world.tenant_admin();
        root.patch(&bob, change.clone()).await.expect(200);
        invariants::check(&world.items().await);
        let reply = root.patch(&own, leave.clone()).await;
        if is_owner {
            reply.expect(200);
            root.patch(&own, json!({"role": "owner"})).await.expect(200);
        } else {
            reply.problem(409, "last-owner");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_owners_who_leave_at_once_stays() {
    let world = World::start().await;
    for round in 0..24 {
        let (id, ada, bob) = two_owners(&world, &format!("Round {round}")).await;
        let members = format!("/organizations/{id}/members");
        let ways = ways_out();
        let (way, other) = (&ways[round % 4], &ways[round / 4 % 4]);
        // Each removes their own role, or each the other's.
        let (first, second) = if round % 2 == 0 {
            ("ada", "bob")
        } else {
            ("bob", "ada")
        };
        let replies = at_once([
            go(ada, format!("{members}/{first}"), way.clone()),
            go(bob, format!("{members}/{second}"), other.clone()),
        ])
        .await;
        let gone = replies.iter().filter(|reply| reply.status < 300).count();
        for reply in &replies {
            let code = reply.body["code"].as_str().unwrap_or_default();
            // A caller who lost the role before the write has no permission any more.
            assert!(
                reply.status < 300 || matches!(code, "last-owner" | "forbidden" | "not-found"),
                "{reply:?}"
            );
        }
        assert_eq!(gone, 1, "{replies:?}");
        invariants::check(&world.items().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_owners_who_go_at_once_one_stays() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let mut owners = vec![ada];
    for n in 0..15 {
        owners.push(
            world
                .member(&id, &format!("owner-{n}"), "owner", "active")
                .await,
        );
    }
    let ways = ways_out();
    let replies = at_once(owners.into_iter().enumerate().map(|(n, owner)| {
        let path = format!("/organizations/{id}/members/me");
        go(owner, path, ways[n % 4].clone())
    }))
    .await;
    let stayed = replies.iter().filter(|reply| reply.status == 409).count();
    assert_eq!(stayed, 1, "{replies:?}");
    invariants::check(&world.items().await);
}

/// One owner leaves while the other's request, decided when both were there, is in flight.
#[tokio::test]
async fn the_last_owner_is_checked_at_the_write() {
    for way in ways_out() {
        let (world, faults) = Faults::world(muster_local::Options::default()).await;
        let (id, ada, bob) = two_owners(&world, "Acme").await;
        let members = format!("/organizations/{id}/members");
        let mut held = faults.hold("TransactWriteItems");
        let going = tokio::spawn(go(ada, format!("{members}/ada"), way.clone()));
        held.arrived().await;
        let reply = go(bob, format!("{members}/bob"), way).await;
        assert!(reply.status < 300, "{reply:?}");
        held.release();
        going.await.unwrap().problem(409, "last-owner");
        invariants::check(&world.items().await);
    }
}
