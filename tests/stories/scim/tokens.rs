//! The token of a directory: shown once, replaced with an overlap, of no other directory.

use muster::domain::{DirectoryStatus, ScimScope, Timestamp};
use serde_json::json;
use support::{ACME, World};

use super::{created, new_directory};

async fn status(
    world: &World,
    scope: &ScimScope,
    token: &str,
    now: Timestamp,
) -> Option<DirectoryStatus> {
    let token = token.parse().unwrap();
    let store = world.store();
    let access = store.scim_access(&scope.directory_id, &token, now);
    access.await.unwrap().map(|access| access.status)
}

#[tokio::test]
async fn the_token_of_a_directory_is_shown_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let first = root.post_once("/directories", "k", new_directory()).await;
    let first = first.expect(201).body;
    let again = root.post_once("/directories", "k", new_directory()).await;
    assert_eq!(again.expect(201).body, first);
    let id = first["id"].as_str().unwrap();
    assert_eq!(first["entra"], json!(null));
    let base = format!("{}/scim/v2/{id}", world.stack.url());
    assert_eq!(first["scim"]["base_url"], base);
    let token = first["scim"]["token"].as_str().unwrap();
    let path = format!("/directories/{id}");
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown.get("scim"), None);
    let events = root.all("/events?type=directory.*").await;
    assert!(!format!("{events:?}").contains("mst_"), "{events:?}");
    for item in world.items().await {
        let key = item["pk"].as_str().unwrap();
        let text = format!("{item:?}");
        assert!(
            key.contains("!SECRETS#") || !text.contains(token),
            "{key} has the token"
        );
    }
    // A tenant follows one directory.
    root.post("/directories", new_directory())
        .await
        .problem(409, "limit-reached");
    let entra = json!({"entra": {"service_principal_id": "8e881353-1735-45af-af21-ee1344582a4d"}});
    root.patch(&path, entra)
        .await
        .problem(400, "validation-failed");
}

#[tokio::test]
async fn a_replaced_token_works_for_a_day_longer() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let (scope, made) = created(&world).await;
    let old = made["scim"]["token"].as_str().unwrap();
    let path = format!("/directories/{}", scope.directory_id);
    let rotate = format!("{path}/rotate-token");
    let rotated = root.post_once(&rotate, "k", json!({})).await.expect(200);
    let replayed = root.post_once(&rotate, "k", json!({})).await.expect(200);
    assert_eq!(replayed.body, rotated.body);
    assert_eq!(rotated.body["version"], 2);
    let new = rotated.body["scim"]["token"].as_str().unwrap();
    assert_ne!(new, old);
    let now: Timestamp = rotated.body["updated_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let later = now.after(std::time::Duration::from_hours(25));
    let active = Some(DirectoryStatus::Active);
    assert_eq!(status(&world, &scope, old, now).await, active);
    assert_eq!(status(&world, &scope, new, now).await, active);
    assert_eq!(status(&world, &scope, old, later).await, None);
    assert_eq!(status(&world, &scope, new, later).await, active);
    // The second rotation ends the first token.
    root.post_empty(&rotate).await.expect(200);
    assert_eq!(status(&world, &scope, old, now).await, None);
    let events = root.all("/events?type=directory.updated").await;
    assert_eq!(events[0]["changes"]["token"], json!({"changed": true}));
    assert!(!format!("{events:?}").contains("mst_"), "{events:?}");

    let paused = root.patch(&path, json!({"status": "paused"})).await;
    paused.expect(200);
    let paused = Some(DirectoryStatus::Paused);
    assert_eq!(status(&world, &scope, new, now).await, paused);

    world
        .user("ada")
        .post_empty(&rotate)
        .await
        .problem(403, "forbidden");
    let other = world.tenant_admin_of("globex");
    other.post_empty(&rotate).await.problem(404, "not-found");
    let stale = root.request(reqwest::Method::POST, &rotate);
    let stale = root.send(stale.header("if-match", "\"1\"")).await;
    stale.problem(412, "version-mismatch");
}

#[tokio::test]
async fn a_token_is_of_its_directory_alone() {
    let world = World::start().await;
    let (scope, made) = created(&world).await;
    let other = world.tenant_admin_of("globex");
    let other = other.post("/directories", new_directory()).await;
    let other = other.expect(201).body;
    let now = muster::domain::Clock::system().now();
    let token = |body: &serde_json::Value| body["scim"]["token"].as_str().unwrap().to_owned();
    assert_eq!(status(&world, &scope, &token(&other), now).await, None);
    let found = status(&world, &scope, &token(&made), now).await;
    assert_eq!(found, Some(DirectoryStatus::Active));
    // A deleted directory has no token, and the tenant may have another one.
    let root = world.tenant_admin();
    let path = format!("/directories/{}", scope.directory_id);
    root.delete(&path).await.expect(204);
    assert_eq!(status(&world, &scope, &token(&made), now).await, None);
    let left = world.items().await;
    let left = left.iter().filter_map(|item| item["pk"].as_str());
    let start = format!("TENANT#{ACME}#DIRECTORY#");
    assert_eq!(left.filter(|pk| pk.starts_with(&start)).count(), 0);
    created(&world).await;
}
