//! Transferring the ownership of an organization.

use muster::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray as _;
use support::{Actor, Faults, World, at_once, invariants, statuses};

use crate::answers::is_shown;

/// An organization with the owner ada and the active members bob (member) and max (admin).
async fn organization(world: &World) -> (String, Actor) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    world.member(&id, "bob", "member", "active").await;
    world.member(&id, "max", "admin", "active").await;
    (id, ada)
}

fn transfer(id: &str) -> String {
    format!("/organizations/{id}/transfer-ownership")
}

async fn role(world: &World, id: &str, user: &str) -> String {
    let path = format!("/organizations/{id}/members/{user}");
    let member = world.tenant_admin().get(&path).await.expect(200);
    member.body["role"].as_str().unwrap().to_owned()
}

/// The types of the events since this number of events, oldest first.
async fn events_after(world: &World, id: &str, known: usize) -> Vec<Value> {
    let root = world.tenant_admin();
    let mut events = root.all(&format!("/organizations/{id}/events")).await;
    events.reverse();
    events.split_off(known)
}

#[tokio::test]
async fn an_owner_hands_over_and_becomes_an_admin() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let known = events_after(&world, &id, 0).await.len();
    let organization = ada.get(&format!("/organizations/{id}")).await.expect(200);
    let reply = ada.post(&transfer(&id), json!({"user_id": "bob"})).await;
    let reply = reply.expect(200);
    is_shown(&reply, organization, "as before");
    assert_eq!(role(&world, &id, "ada").await, "admin");
    assert_eq!(role(&world, &id, "bob").await, "owner");
    invariants::check(&world.items().await);

    let events = events_after(&world, &id, known).await;
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            let targets = event["targets"].as_array().unwrap();
            let targets = targets.iter().map(|target| target["id"].clone());
            json!([
                event["type"],
                targets.collect::<Vec<_>>(),
                event["changes"],
                event["resource_version"]
            ])
        })
        .collect();
    let owner = json!({"owner_user_id": {"from": "ada", "to": "bob"}});
    let lowered = json!({"role": {"from": "owner", "to": "admin"}});
    let raised = json!({"role": {"from": "member", "to": "owner"}});
    assert_eq!(
        json!(shown),
        json!([
            [
                "organization.ownership_transferred",
                [id, "bob", "ada"],
                owner,
                null
            ],
            ["membership.role_changed", ["ada", id], lowered, 2],
            ["membership.role_changed", ["bob", id], raised, 2],
        ])
    );
    let request = |event: &Value| event["context"]["request_id"].clone();
    let first = request(&events[0]);
    assert!(events.iter().all(|event| request(event) == first));

    // Without a key it is a new request, of a caller who is no owner.
    ada.post(&transfer(&id), json!({"user_id": "bob"}))
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn the_caller_keeps_the_role_they_ask_for() {
    for kept in &Role::VARIANTS[1..] {
        let world = World::start().await;
        let (id, ada) = organization(&world).await;
        let body = json!({"user_id": "max", "keep_role": kept.as_str()});
        let reply = ada.post(&transfer(&id), body).await.expect(200);
        let sees_billing = matches!(kept, Role::Admin | Role::OrgAdmin);
        assert_eq!(
            reply.body.get("billing_email").is_some(),
            sees_billing,
            "{kept:?}"
        );
        let shown = ada.get(&format!("/organizations/{id}")).await.expect(200);
        is_shown(&reply, shown, kept.as_str());
        assert_eq!(role(&world, &id, "ada").await, kept.as_str());
        assert_eq!(role(&world, &id, "max").await, "owner");
        invariants::check(&world.items().await);
    }
}

#[tokio::test]
async fn an_owner_hands_over_to_another_owner() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let olaf = world.member(&id, "olaf", "owner", "active").await;
    let known = events_after(&world, &id, 0).await.len();
    ada.post(&transfer(&id), json!({"user_id": "olaf"}))
        .await
        .expect(200);
    assert_eq!(role(&world, &id, "ada").await, "admin");
    assert_eq!(role(&world, &id, "olaf").await, "owner");
    assert_eq!(events_after(&world, &id, known).await.len(), 2);
    olaf.delete(&format!("/organizations/{id}/members/me"))
        .await
        .problem(409, "last-owner");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn other_owners_stay_owners() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    world.member(&id, "olaf", "owner", "active").await;
    ada.post(&transfer(&id), json!({"user_id": "bob"}))
        .await
        .expect(200);
    for (user, is) in [("ada", "admin"), ("bob", "owner"), ("olaf", "owner")] {
        assert_eq!(role(&world, &id, user).await, is, "{user}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_tenant_admin_without_a_role_makes_an_owner() {
    let world = World::start().await;
    let (id, _) = organization(&world).await;
    let root = world.tenant_admin();
    let known = events_after(&world, &id, 0).await.len();
    let body = json!({"user_id": "bob"});
    let reply = root.post(&transfer(&id), body.clone()).await.expect(200);
    assert!(reply.body.get("billing_email").is_some());
    for user in ["ada", "bob"] {
        assert_eq!(role(&world, &id, user).await, "owner", "{user}");
    }
    let events = events_after(&world, &id, known).await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[0]["changes"]["owner_user_id"],
        json!({"from": null, "to": "bob"})
    );
    // Bob is an owner now, and the caller has no role to give up: nothing changes.
    let before = world.table().await;
    root.post(&transfer(&id), body).await.expect(200);
    assert_eq!(world.table().await, before);

    // A tenant admin who is an owner steps down like any other.
    world.member(&id, "root", "owner", "active").await;
    root.post(
        &transfer(&id),
        json!({"user_id": "max", "keep_role": "readonly"}),
    )
    .await
    .expect(200);
    assert_eq!(role(&world, &id, "root").await, "readonly");
    assert_eq!(role(&world, &id, "max").await, "owner");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_an_active_member_becomes_an_owner() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    world.member(&id, "ivy", "admin", "invited").await;
    world.member(&id, "sue", "owner", "suspended").await;
    world.register(&["zoe"]).await;
    let before = world.everything().await;
    let mut details = std::collections::BTreeSet::new();
    for (user, code) in [
        ("ivy", "not-an-organization-member"),
        ("sue", "not-an-organization-member"),
        ("zoe", "not-an-organization-member"),
        ("nobody", "unknown-user"),
    ] {
        for actor in [&ada, &world.tenant_admin()] {
            let reply = actor.post(&transfer(&id), json!({"user_id": user})).await;
            let refused = reply.problem(422, code);
            details.insert(refused.body["detail"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(details.len(), 4, "each says what is wrong: {details:?}");
    for (body, pointer) in [
        (json!({"user_id": "ada"}), "/user_id"),
        (
            json!({"user_id": "bob", "keep_role": "owner"}),
            "/keep_role",
        ),
        (json!({"user_id": "bob", "keep_role": "boss"}), "/keep_role"),
        (json!({"user_id": "bob", "keep_role": null}), "/keep_role"),
        (json!({"keep_role": "admin"}), "/user_id"),
        (json!({"user_id": "me"}), "/user_id"),
        (json!({"user_id": "bob", "role": "admin"}), "/role"),
    ] {
        let reply = ada.post(&transfer(&id), body).await;
        let refused = reply.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn only_an_owner_transfers_the_ownership() {
    let world = World::start().await;
    let (id, _) = organization(&world).await;
    world.member(&id, "ivy", "owner", "invited").await;
    world.member(&id, "sue", "owner", "suspended").await;
    world.register(&["zoe"]).await;
    let before = world.everything().await;
    let body = json!({"user_id": "bob"});
    let max = world.user("max").post(&transfer(&id), body.clone()).await;
    max.problem(403, "forbidden");
    for user in ["ivy", "sue", "zoe"] {
        let reply = world.user(user).post(&transfer(&id), body.clone()).await;
        reply.problem(404, "not-found");
    }
    let outside = world.tenant_admin_of("globex");
    for actor in [outside, world.user_of("globex", "ada")] {
        let reply = actor.post(&transfer(&id), body.clone()).await;
        reply.problem(404, "not-found");
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_transfer_requires_the_version_it_names() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let path = format!("/organizations/{id}");
    let read = ada.get(&path).await.expect(200).headers["etag"].clone();
    ada.patch(&path, json!({"domain": "acme.example"}))
        .await
        .expect(200);
    let send = |tag: String| {
        let request = ada.request(Method::POST, &transfer(&id));
        let request = request.header("if-match", tag);
        ada.send(request.json(&json!({"user_id": "bob"})))
    };
    let before = world.everything().await;
    send(read).await.problem(412, "version-mismatch");
    assert_eq!(world.everything().await, before);
    let now = ada.get(&path).await.expect(200).headers["etag"].clone();
    send(now).await.expect(200);
}

/// The role of a directory membership is changed by hand, as PATCH does.
#[tokio::test]
async fn a_membership_of_the_directory_keeps_its_source() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    for user in ["ada", "bob"] {
        let (pk, sk) = (format!("TENANT#acme#USER#{user}"), format!("ORG#{id}"));
        let entra = aws_sdk_dynamodb::types::AttributeValue::S("entra".to_owned());
        world.tamper(&pk, &sk, "source", entra).await;
    }
    ada.post(&transfer(&id), json!({"user_id": "bob"}))
        .await
        .expect(200);
    let members = ada.all(&format!("/organizations/{id}/members")).await;
    for (user, role) in [("ada", "admin"), ("bob", "owner")] {
        let found = members.iter().find(|one| one["user_id"] == user).unwrap();
        assert_eq!(
            (&found["role"], &found["source"]),
            (&json!(role), &json!("entra"))
        );
    }
}

/// The same owner to many members at once: one of them becomes an owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_transfers_of_one_owner_one_is_applied() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let users: Vec<_> = (0..12).map(|n| format!("user-{n}")).collect();
    for user in &users {
        world.member(&id, user, "member", "active").await;
    }
    let replies = at_once(users.iter().map(|user| {
        let (ada, path, body) = (ada.clone(), transfer(&id), json!({"user_id": user}));
        async move { ada.post(&path, body).await }
    }))
    .await;
    let statuses: Vec<_> = statuses(&replies).into_iter().collect();
    assert_eq!(statuses, [(200, 1), (403, 11)]);
    invariants::check(&world.items().await);
}

/// Owners who transfer to each other, leave and remove each other at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transfers_and_removals_keep_an_owner() {
    let world = World::start().await;
    for round in 0..8 {
        let ada = world.user("ada");
        let id = world.organization(&ada, &format!("Round {round}")).await;
        let bob = world.member(&id, "bob", "owner", "active").await;
        let eve = world.member(&id, "eve", "owner", "active").await;
        let (path, members) = (transfer(&id), format!("/organizations/{id}/members"));
        let to = |actor: &Actor, user: &str| {
            let (actor, path, body) = (actor.clone(), path.clone(), json!({"user_id": user}));
            async move { actor.post(&path, body).await }
        };
        let remove = |actor: &Actor, user: &str| {
            let (actor, path) = (actor.clone(), format!("{members}/{user}"));
            async move { actor.delete(&path).await }
        };
        let (one, two, three) = (to(&ada, "bob"), to(&bob, "eve"), to(&eve, "ada"));
        let (four, five, six) = (remove(&bob, "me"), remove(&ada, "eve"), remove(&eve, "bob"));
        let transfers = at_once([one, two, three]);
        let removals = at_once([four, five, six]);
        let (transfers, removals) = futures::join!(transfers, removals);
        for reply in transfers.iter().chain(&removals) {
            assert!(reply.status < 500, "{reply:?}");
        }
        invariants::check(&world.items().await);
    }
}

/// The new owner leaves, or the caller loses the role, while the transfer is in flight.
#[tokio::test]
async fn a_transfer_is_checked_at_the_write() {
    for (change, status, code) in [
        (("DELETE", "bob"), 422, "not-an-organization-member"),
        (("PATCH", "bob"), 422, "not-an-organization-member"),
        (("PATCH", "ada"), 404, "not-found"),
    ] {
        let (world, faults) = Faults::world(muster_local::Options::default()).await;
        let (id, ada) = organization(&world).await;
        world.member(&id, "olaf", "owner", "active").await;
        let mut held = faults.hold("TransactWriteItems");
        let path = transfer(&id);
        let going = tokio::spawn({
            let ada = ada.clone();
            async move { ada.post(&path, json!({"user_id": "bob"})).await }
        });
        held.arrived().await;
        let root = world.tenant_admin();
        let (method, user) = change;
        let member = format!("/organizations/{id}/members/{user}");
        let request = root.request(method.parse().unwrap(), &member);
        let request = if method == "PATCH" {
            request.json(&json!({"status": "suspended"}))
        } else {
            request
        };
        let reply = root.send(request).await;
        assert!(reply.status < 300, "{reply:?}");
        let before = world.table().await;
        held.release();
        going.await.unwrap().problem(status, code);
        assert_eq!(world.table().await, before);
        invariants::check(&world.items().await);
    }
}
