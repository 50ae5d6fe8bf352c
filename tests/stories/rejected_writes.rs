//! A rejected write changes nothing: of another tenant, without permission, with invalid input.

mod directories;
mod webhook_endpoints;
mod write;
mod writes;

use std::collections::BTreeSet;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use support::{World, invariants};

use crate::invitations::by_email::{Calendar, MINUTE};
use write::{Write, Writer};
use writes::writes;

/// Writes that callers of another tenant make in their own.
const IN_OWN_TENANT: [&str; 6] = [
    "DELETE /users/{user_id}",
    "POST /directories",
    "POST /organizations",
    "POST /teams",
    "POST /webhook-endpoints",
    "PUT /users/{user_id}",
];
/// Requires a team of a group in a directory: `sync/restored_teams.rs`.
const TESTED_ELSEWHERE: [&str; 1] = ["POST /teams/{team_id}/restore"];
/// Valid writes that change nothing in the table, but send messages.
const SENDS_ONLY: [&str; 3] = [
    "POST /directories/{directory_id}/sync",
    "POST /webhook-endpoints/{endpoint_id}/replay",
    "POST /webhook-endpoints/{endpoint_id}/test",
];
/// Valid writes that are tried at once.
const AT_ONCE: usize = 4;

/// The worlds of the writes, with a write on every route.
async fn worlds() -> [(World, Vec<Write>); 3] {
    let (world, calendar) = Calendar::with(&[]).await;
    let writes = writes(&world).await;
    // An invitation cannot be sent again right after it was created.
    calendar.pass(2 * MINUTE);
    let bare = World::start().await;
    let creates = directories::without_directory(&bare).await;
    let entra = World::start().await;
    let syncs = directories::with_entra_directory(&entra).await;
    [(world, writes), (bare, creates), (entra, syncs)]
}

#[tokio::test]
async fn every_route_that_writes_is_tried() {
    let worlds = worlds().await;
    let writes = worlds.iter().flat_map(|(_, writes)| writes);
    let tried: BTreeSet<_> = writes.map(|write| write.route.to_owned()).collect();
    let routes = worlds[0].0.routes().await.into_iter();
    let is_tried =
        |route: &String| !route.starts_with("GET ") && !TESTED_ELSEWHERE.contains(&route.as_str());
    let writing: BTreeSet<_> = routes.filter(is_tried).collect();
    assert_eq!(tried, writing);
}

#[tokio::test]
async fn writes_of_another_tenant_change_nothing() {
    for (world, writes) in worlds().await {
        writes_of_another_tenant(&world, &writes).await;
    }
}

async fn writes_of_another_tenant(world: &World, writes: &[Write]) {
    let before = world.table().await;
    let admin = world.tenant_admin_of("globex");
    for write in writes {
        if IN_OWN_TENANT.contains(&write.route) {
            continue;
        }
        for foreigner in [
            world.user_of("globex", "ada"),
            world.user_of("globex", "bob"),
            admin.clone(),
        ] {
            if write.method() == Method::DELETE && write.path.ends_with(&foreigner.id) {
                // Removing a missing member succeeds.
                write.send(&foreigner, None).await.expect(204);
                continue;
            }
            world.calls.take();
            let reply = write.send(&foreigner, write.body.as_ref()).await;
            let (status, code) = match write.writer {
                Writer::TenantAdmin if foreigner.id != admin.id => (403, "forbidden"),
                // Their own invitations are those of a verified address.
                Writer::InvitedAddress if write.body.is_none() => (403, "email-not-verified"),
                _ => (404, "not-found"),
            };
            reply.problem(status, code);
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
    for (world, writes) in worlds().await {
        writes_without_permission(&world, &writes).await;
    }
}

async fn writes_without_permission(world: &World, writes: &[Write]) {
    let before = world.table().await;
    let (max, eve) = (world.user("max"), world.user("eve"));
    for write in writes {
        // Any user may create one.
        if write.route == "POST /organizations" {
            continue;
        }
        let (of_member, of_stranger) = match write.writer {
            Writer::TenantAdmin => ((403, "forbidden"), (403, "forbidden")),
            Writer::Owner | Writer::InvitedMember => ((403, "forbidden"), (404, "not-found")),
            // Only a token proves that there is an invitation.
            Writer::InvitedAddress if write.body.is_some() => (
                (403, "invitation-for-another-address"),
                (403, "email-not-verified"),
            ),
            Writer::InvitedAddress => ((404, "not-found"), (403, "email-not-verified")),
        };
        for (caller, (status, code)) in [(&max, of_member), (&eve, of_stranger)] {
            let reply = write.send(caller, write.body.as_ref()).await;
            reply.problem(status, code);
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn writes_with_invalid_input_change_nothing() {
    for (world, writes) in worlds().await {
        writes_with_invalid_input(&world, &writes).await;
    }
}

async fn writes_with_invalid_input(world: &World, writes: &[Write]) {
    let before = world.table().await;
    let document = muster_functions::openapi_document();
    for write in writes {
        let caller = write.caller(world);
        for bad in &write.bad {
            let reply = write.send(&caller, Some(bad)).await;
            assert_eq!(reply.status, 400, "{} {bad}: {reply:?}", write.path);
        }
        let body = write.body.clone().unwrap_or(json!({}));
        let header = |name: &str, value: &str| {
            let request = caller.request(write.method(), &write.path);
            caller.send(request.header(name, value).json(&body))
        };
        if write.takes(&document, "Idempotency-Key") {
            for key in ["", "a b", "é", &"k".repeat(256)] {
                let reply = header("idempotency-key", key).await;
                assert_eq!(reply.status, 400, "{} {key}: {reply:?}", write.path);
            }
        }
        if write.takes(&document, "If-Match") {
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
    let rename = writes
        .iter()
        .find(|write| write.route.starts_with("PATCH /organizations/"));
    let organization = &rename.unwrap().path;
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

/// The writes rejected above are valid. Each has worlds of its own.
#[tokio::test]
async fn the_valid_writes_succeed() {
    let numbers = worlds().await.into_iter().enumerate();
    let each = numbers.flat_map(|(world, (_, writes))| (0..writes.len()).map(move |n| (world, n)));
    let each = futures::stream::iter(each);
    each.for_each_concurrent(AT_ONCE, |(world, number)| async move {
        let (world, writes) = &worlds().await[world];
        succeeds(world, &writes[number]).await;
    })
    .await;
}

async fn succeeds(world: &World, write: &Write) {
    let before = world.table().await;
    let reply = write.send(&write.caller(world), write.body.as_ref()).await;
    assert!(reply.status < 300, "{}: {reply:?}", write.path);
    let changes = world.table().await != before;
    assert_eq!(
        changes,
        !SENDS_ONLY.contains(&write.route),
        "{}",
        write.route
    );
    invariants::check(&world.items().await);
}
