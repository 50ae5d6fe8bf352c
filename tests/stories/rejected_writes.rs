//! A rejected write changes nothing: of another tenant, without permission, with invalid input.

mod writes;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, World, invariants};

use writes::{ENDPOINTS, Write, is_for_tenant_admins, writes};

async fn send(actor: &Actor, write: &Write, body: Option<&Value>) -> support::Reply {
    let request = actor.request(write.method.clone(), &write.path);
    actor
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

#[tokio::test]
async fn writes_of_another_tenant_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let admin = world.tenant_admin_of("globex");
    for write in &writes {
        // Callers of another tenant create and register in their own.
        let creates = ["/organizations", ENDPOINTS].contains(&write.path.as_str());
        if creates || write.path.starts_with("/users/") {
            continue;
        }
        for foreigner in [
            world.user_of("globex", "ada"),
            world.user_of("globex", "bob"),
            admin.clone(),
        ] {
            if write.method == Method::DELETE && write.path.ends_with(&foreigner.id) {
                // Removing a missing member succeeds.
                send(&foreigner, write, None).await.expect(204);
                continue;
            }
            world.calls.take();
            let reply = send(&foreigner, write, write.body.as_ref()).await;
            if is_for_tenant_admins(write) && foreigner.id != admin.id {
                reply.problem(403, "forbidden");
            } else {
                reply.problem(404, "not-found");
            }
            for call in world.calls.take() {
                for text in support::texts(&call) {
                    let foreign =
                        text.starts_with("TENANT#") && !text.starts_with("TENANT#globex#");
                    assert!(!foreign, "{text} in {call:?}");
                }
            }
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn writes_without_permission_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let (max, eve) = (world.user("max"), world.user("eve"));
    for write in &writes {
        if write.path == "/organizations" {
            continue;
        }
        send(&max, write, write.body.as_ref())
            .await
            .problem(403, "forbidden");
        let stranger = send(&eve, write, write.body.as_ref()).await;
        if is_for_tenant_admins(write) {
            stranger.problem(403, "forbidden");
        } else {
            stranger.problem(404, "not-found");
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn writes_with_invalid_input_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let root = world.tenant_admin();
    for write in &writes {
        for bad in &write.bad {
            let reply = send(&root, write, Some(bad)).await;
            assert_eq!(reply.status, 400, "{} {bad}: {reply:?}", write.path);
        }
        let header = |name: &str, value: &str| {
            let request = root.request(write.method.clone(), &write.path);
            root.send(
                request
                    .header(name, value)
                    .json(&write.body.clone().unwrap_or(json!({}))),
            )
        };
        if write.method == Method::POST {
            for key in ["", "a b", "é", &"k".repeat(256)] {
                let reply = header("idempotency-key", key).await;
                assert_eq!(reply.status, 400, "{} {key}: {reply:?}", write.path);
            }
        } else {
            for version in ["\"99\"", "\"\"", "1", "W/\"1\"", "\"1", "\"1.x\""] {
                let reply = header("if-match", version).await;
                reply.problem(412, "version-mismatch");
            }
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn conflicting_writes_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let organization = &writes[1].path;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let before = world.table().await;
    ada.patch(
        organization,
        json!({"name": " TAKEN", "domain": "new.example"}),
    )
    .await
    .problem(409, "name-taken");
    let members = format!("{organization}/members");
    ada.post(&members, json!({"user_id": "nobody-known"}))
        .await
        .problem(422, "unknown-user");
    ada.post(&members, json!({"user_id": "bob", "role": "owner"}))
        .await
        .problem(409, "already-member");
    for actor in [&ada, &root] {
        for change in [json!({"role": "admin"}), json!({"status": "suspended"})] {
            actor
                .patch(&format!("{members}/ada"), change)
                .await
                .problem(409, "last-owner");
        }
        actor
            .delete(&format!("{members}/ada"))
            .await
            .problem(409, "last-owner");
    }
    assert_eq!(world.table().await, before);
    invariants::check(&world.items().await);
}

/// The writes rejected above are valid.
#[tokio::test]
async fn the_valid_writes_succeed() {
    let world = World::start().await;
    let count = writes(&world).await.len();
    for number in 0..count {
        let world = World::start().await;
        let write = &writes(&world).await[number];
        let before = world.table().await;
        let actor = match write.path.as_str() {
            path if path.ends_with("/accept") => world.user("bob"),
            _ if is_for_tenant_admins(write) => world.tenant_admin(),
            _ => world.user("ada"),
        };
        let reply = send(&actor, write, write.body.as_ref()).await;
        assert!(reply.status < 300, "{}: {reply:?}", write.path);
        // A test and a replay send messages.
        let unseen = ["/accept", "/test", "/replay"];
        if !unseen.iter().any(|end| write.path.ends_with(end)) {
            assert_ne!(world.table().await, before, "{}", write.path);
        }
        invariants::check(&world.items().await);
    }
}
