//! Caching: users who share a cache see only what each of them may see.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, World, skipped};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::page;

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stories/caches/browser.cjs");

/// The requests of one browser, in order.
async fn fetch_in_one_browser(world: &World, requests: &[(&str, &Actor)]) -> Option<Vec<Value>> {
    let (chromium, packages) = page::browser().await?;
    let requests: Vec<_> = requests
        .iter()
        .map(|(path, actor)| {
            let token = actor.authorization();
            json!({"path": path, "token": token.trim_start_matches("Bearer ")})
        })
        .collect();
    let mut node = Command::new("node")
        .arg(DRIVER)
        .arg(chromium)
        .arg(world.stack.url())
        .env("NODE_PATH", packages.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input
        .write_all(json!(requests).to_string().as_bytes())
        .await
        .unwrap();
    drop(input);
    let output = node.wait_with_output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn users_of_one_browser_see_their_own_responses() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "readonly", "active").await;
    let organization = format!("/organizations/{id}");
    let member = format!("{organization}/members/me");
    let billing = json!({"billing_email": "pay@acme.example"});
    ada.patch(&organization, billing).await.expect(200);

    let paths = ["/users/me", member.as_str(), organization.as_str()];
    // Each is sent twice, so that the cache can answer the second.
    let requests: Vec<_> = paths
        .iter()
        .flat_map(|path| [(*path, &ada), (*path, &bob), (*path, &ada), (*path, &bob)])
        .collect();
    let Some(seen) = fetch_in_one_browser(&world, &requests).await else {
        return skipped(
            "the story of a shared browser",
            "Chromium and npm (Node.js)",
        );
    };
    for ((path, actor), seen) in requests.iter().zip(seen) {
        let own = actor.request(Method::GET, path).send().await.unwrap();
        assert_eq!(seen["status"], 200);
        assert_eq!(
            seen["body"],
            own.text().await.unwrap(),
            "{path} as {}",
            actor.id
        );
    }
}

#[tokio::test]
async fn entity_tags_depend_on_the_representation() {
    let (world, ada, id) = World::acme().await;
    let bob = world.user("bob");
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let team = world.team(Some(&id), "T", &[]).await;
    let member = |who: &str| format!("{organization}/members/{who}");
    let tag = async |actor: &Actor, path: &str| {
        let reply = actor.get(path).await.expect(200);
        assert_eq!(reply.headers["vary"], "Authorization");
        reply.headers["etag"].clone()
    };

    // Two callers see different data, or more or less of the same.
    for (path, other) in [
        ("/users/me", "/users/me"),
        (&member("me"), &member("me")),
        (&organization, &organization),
    ] {
        assert_ne!(tag(&ada, path).await, tag(&bob, other).await, "{path}");
    }
    assert_eq!(
        tag(&ada, &organization).await,
        tag(&root, &organization).await
    );
    assert_eq!(tag(&ada, &team).await, tag(&bob, &team).await);

    // A promotion shows the billing fields immediately.
    let before = tag(&bob, &organization).await;
    let admin = json!({"role": "admin"});
    ada.patch(&member("bob"), admin).await.expect(200);
    let request = bob.request(Method::GET, &organization);
    let reply = bob.send(request.header("if-none-match", &before)).await;
    assert!(reply.expect(200).body.get("billing_email").is_some());

    // The effective limits of a team change with its organization, while its own version does not.
    let before = tag(&ada, &team).await;
    let models = json!({"limits": {"models": ["all-org-models"]}});
    ada.patch(&team, models).await.expect(200);
    let own = tag(&ada, &team).await;
    assert_ne!(before, own);
    let limits = json!({"limits": {"models": ["small"]}});
    ada.patch(&organization, limits).await.expect(200);
    let request = ada.request(Method::GET, &team);
    let reply = ada.send(request.header("if-none-match", &own)).await;
    assert_eq!(reply.expect(200).body["effective_models"], json!(["small"]));
}
