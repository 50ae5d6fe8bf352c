//! The same write again and concurrently, without an `Idempotency-Key`: each is applied once.

use serde_json::{Value, json};
use support::{Actor, Reply, World, at_once, invariants, statuses};

use crate::webhook_endpoints::{all_events, endpoint};

const MANY: usize = 20;

fn counted(replies: &[Reply]) -> Vec<(u16, usize)> {
    statuses(replies).into_iter().collect()
}

/// Sends one request many times concurrently.
async fn many(method: &str, actor: &Actor, path: &str, body: Option<Value>) -> Vec<Reply> {
    at_once((0..MANY).map(|_| {
        let (actor, path, body) = (actor.clone(), path.to_owned(), body.clone());
        let method: reqwest::Method = method.parse().unwrap();
        async move {
            let request = actor.request(method, &path);
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            actor.send(request).await
        }
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_given_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let replies = at_once((0..MANY).map(|n| {
        let ada = ada.clone();
        let name = ["Acme", "ACME", " acme ", "Ａcme"][n % 4];
        async move { ada.post("/organizations", json!({"name": name})).await }
    }))
    .await;
    assert_eq!(counted(&replies), [(201, 1), (409, MANY - 1)]);
    ada.post("/organizations", json!({"name": "acme"}))
        .await
        .problem(409, "name-taken");
    assert_eq!(ada.all("/users/me/organizations").await.len(), 1);
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_change_of_an_organization_is_made_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    let body = json!({"name": "Acme 2", "domain": "acme.example", "metadata": {"a": {"b": 1}}});
    for (version, method) in [(2, "PATCH"), (2, "PUT")] {
        let replies = many(method, &ada, &path, Some(body.clone())).await;
        assert_eq!(counted(&replies), [(200, MANY)]);
        for reply in &replies {
            assert_eq!(reply.body, replies[0].body);
        }
        assert_eq!(replies[0].body["version"], version);
    }
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_an_organization_is_lost_among_others() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    let replies = at_once((0..MANY).map(|n| {
        let (ada, path) = (ada.clone(), path.clone());
        let body = json!({"metadata": {format!("key-{n}"): n}});
        async move { ada.patch(&path, body).await }
    }))
    .await;
    for reply in &replies {
        // A request that loses every conflict gets an error.
        assert!(matches!(reply.status, 200 | 409), "{reply:?}");
    }
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(done > 1, "{:?}", counted(&replies));
    let now = ada.get(&path).await.expect(200).body;
    assert_eq!(now["metadata"].as_object().unwrap().len(), done);
    assert_eq!(now["version"], 1 + done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_to_one_version_one_is_made() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "member", "active").await;
    let organization = format!("/organizations/{id}");
    let member = format!("{organization}/members/{}", bob.id);
    for (path, bodies) in [
        (
            organization,
            [json!({"name": "One"}), json!({"name": "Other"})],
        ),
        (member, [json!({"role": "admin"}), json!({"role": "owner"})]),
    ] {
        let replies = at_once((0..MANY).map(|n| {
            let request = ada.request(reqwest::Method::PATCH, &path);
            let request = request.header("if-match", "\"1\"").json(&bodies[n % 2]);
            let ada = ada.clone();
            async move { ada.send(request).await }
        }))
        .await;
        assert_eq!(counted(&replies), [(200, 1), (412, MANY - 1)], "{path}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_is_deleted_once_and_restored_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    let replies = many("DELETE", &ada, &path, None).await;
    assert_eq!(counted(&replies), [(204, 1), (404, MANY - 1)]);
    ada.delete(&path).await.problem(404, "not-found");

    let replies = many("POST", &ada, &format!("{path}/restore"), None).await;
    assert_eq!(counted(&replies), [(200, MANY)]);
    for reply in &replies {
        assert_eq!(reply.body, replies[0].body);
        assert_eq!(reply.body["version"], 3);
    }
    let again = ada.post_empty(&format!("{path}/restore")).await.expect(200);
    assert_eq!(again.body, replies[0].body);
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_added_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["bob", "eve"]).await;
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}/members");
    let body = json!({"user_id": "bob", "role": "owner", "status": "active"});
    let replies = many("POST", &ada, &path, Some(body.clone())).await;
    assert_eq!(counted(&replies), [(200, MANY - 1), (201, 1)]);
    for reply in &replies {
        assert_eq!(reply.body, replies[0].body);
        assert!(reply.headers["etag"].starts_with("\"1."));
    }

    let before = world.table().await;
    ada.post(&path, body).await.expect(200);
    // Stored values stay, even if the repetition contains other values.
    let stored = json!({"user_id": "bob", "role": "owner"});
    let reply = ada.post(&path, stored).await.expect(200);
    assert_eq!(reply.body["status"], "active");
    ada.post(&path, json!({"user_id": "bob", "role": "member"}))
        .await
        .problem(409, "already-member");
    assert_eq!(world.table().await, before);
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_is_added_in_two_roles_at_once_has_one_of_them() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["bob"]).await;
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}/members");
    let replies = at_once((0..MANY).map(|n| {
        let (ada, path) = (ada.clone(), path.clone());
        let role = if n % 2 == 0 { "member" } else { "owner" };
        async move {
            ada.post(&path, json!({"user_id": "bob", "role": role}))
                .await
        }
    }))
    .await;
    assert_eq!(
        counted(&replies),
        [(200, MANY / 2 - 1), (201, 1), (409, MANY / 2)]
    );
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_membership_is_changed_accepted_and_ended_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "admin", "invited").await;
    let path = format!("/organizations/{id}/members/bob");

    let replies = many("POST", &bob, &format!("{path}/accept"), None).await;
    assert_eq!(counted(&replies), [(200, MANY)]);
    let mut accepted: Vec<_> = replies.iter().map(|reply| &reply.body["version"]).collect();
    accepted.dedup();
    assert_eq!(accepted, [2]);
    bob.post_empty(&format!("{path}/accept")).await.expect(200);

    for (version, body) in [
        (3, json!({"role": "owner"})),
        (4, json!({"role": "member"})),
    ] {
        let replies = many("PATCH", &ada, &path, Some(body.clone())).await;
        assert_eq!(counted(&replies), [(200, MANY)]);
        let again = ada.put(&path, body).await.expect(200);
        assert_eq!(again.body["version"], version);
        invariants::check(&world.items().await);
    }

    let replies = many("DELETE", &ada, &path, None).await;
    assert_eq!(counted(&replies), [(204, MANY)]);
    ada.delete(&path).await.expect(204);
    bob.delete(&path).await.expect(204);
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_registered_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let body = json!({"email": "bob@acme.example", "display_name": "Bob"});
    let replies = many("PUT", &root, "/users/bob", Some(body.clone())).await;
    assert_eq!(counted(&replies), [(200, MANY - 1), (201, 1)]);
    for reply in &replies {
        assert_eq!(reply.body, replies[0].body);
        assert!(reply.headers["etag"].starts_with("\"1."));
    }

    let before = world.table().await;
    for same in [body, json!({"entra_object_id": null}), json!({})] {
        let again = root.put("/users/bob", same).await.expect(200);
        assert_eq!(again.body, replies[0].body);
    }
    assert_eq!(world.table().await, before);
    for (version, other) in [
        (2, json!({"email": null})),
        (3, json!({"email": "bob@other.example"})),
        (
            4,
            json!({"display_name": "Robert", "entra_object_id": "e-1"}),
        ),
    ] {
        let changed = root.put("/users/bob", other).await.expect(200);
        assert!(changed.headers["etag"].starts_with(&format!("\"{version}.")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_different_members_come_and_go_at_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let names: Vec<_> = (0..MANY).map(|n| format!("user-{n}")).collect();
    for name in &names {
        world.register(&[name]).await;
    }
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}/members");
    let replies = at_once(names.clone().into_iter().map(|name| {
        let (ada, path) = (ada.clone(), path.clone());
        let body = json!({"user_id": name, "role": "owner", "status": "active"});
        async move { ada.post(&path, body).await }
    }))
    .await;
    assert_eq!(counted(&replies), [(201, MANY)]);
    invariants::check(&world.items().await);

    let replies = at_once(names.into_iter().map(|name| {
        let (user, path) = (world.user(&name), format!("{path}/me"));
        async move { user.delete(&path).await }
    }))
    .await;
    assert_eq!(counted(&replies), [(204, MANY)]);
    assert_eq!(ada.all(&path).await.len(), 1);
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_endpoint_is_changed_and_deleted_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (path, _) = endpoint(&world, all_events("https://hooks.example/")).await;
    for (version, body) in [
        (2, json!({"description": "One"})),
        (3, json!({"status": "disabled"})),
    ] {
        let replies = many("PATCH", &root, &path, Some(body.clone())).await;
        for reply in &replies {
            // A request that loses every conflict gets an error.
            assert!(matches!(reply.status, 200 | 409), "{reply:?}");
        }
        let again = root.patch(&path, body).await.expect(200);
        assert_eq!(again.body["version"], version);
    }
    // Each request makes another secret, one after the other.
    let rotate = format!("{path}/rotate-secret");
    let replies = many("POST", &root, &rotate, None).await;
    let mut secrets: Vec<_> = replies
        .iter()
        .filter_map(|it| it.body["secret"].as_str())
        .collect();
    let rotated = secrets.len();
    secrets.sort_unstable();
    secrets.dedup();
    assert!(rotated > 0 && secrets.len() == rotated, "{rotated}");
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["version"], 3 + rotated);

    let replies = many("DELETE", &root, &path, None).await;
    let deleted = replies.iter().filter(|it| it.status == 204).count();
    assert_eq!(deleted, 1, "{:?}", counted(&replies));
    root.delete(&path).await.problem(404, "not-found");
}
