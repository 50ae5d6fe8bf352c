//! `If-None-Match` on writes, and both preconditions on `POST`.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Reply, World};

async fn send(
    actor: &Actor,
    (method, path): (Method, &str),
    (header, tags): (&str, &str),
    body: Option<Value>,
) -> Reply {
    let request = actor.request(method, path).header(header, tags);
    actor
        .send(match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

#[tokio::test]
async fn registering_with_if_none_match_overwrites_nothing() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let put = async |name: &str| {
        let body = Some(json!({"display_name": name}));
        let to = (Method::PUT, "/users/bob");
        send(&root, to, ("if-none-match", "*"), body).await
    };
    put("Bob").await.expect(201);
    let before = world.everything().await;
    put("Eve").await.problem(412, "version-mismatch");
    put("Bob").await.problem(412, "version-mismatch");
    assert_eq!(world.everything().await, before);

    // Of several concurrent ones, one registers.
    let many = (0..8).map(|n| {
        let (root, body) = (
            root.clone(),
            Some(json!({"display_name": format!("Cy {n}")})),
        );
        async move {
            let to = (Method::PUT, "/users/cy");
            send(&root, to, ("if-none-match", "*"), body).await.status
        }
    });
    let mut statuses = futures::future::join_all(many).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn if_none_match_rejects_a_named_version() {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let member = format!("{organization}/members/bob");
    let team = world.team(Some(&id), "T", &[]).await;
    for (path, body) in [
        (organization.as_str(), json!({"name": "Other"})),
        (&member, json!({"role": "readonly"})),
        (&team, json!({"name": "Other"})),
        ("/users/bob", json!({"display_name": "Other"})),
    ] {
        let tag = root.get(path).await.expect(200).headers["etag"].clone();
        let before = world.everything().await;
        for tags in ["*", &tag, &format!("W/{tag}"), &format!("\"77\", {tag}")] {
            let reply = send(
                &root,
                (Method::PUT, path),
                ("if-none-match", tags),
                Some(body.clone()),
            );
            reply.await.problem(412, "version-mismatch");
            if !path.starts_with("/users") {
                let reply = send(&root, (Method::DELETE, path), ("if-none-match", tags), None);
                reply.await.problem(412, "version-mismatch");
            }
        }
        assert_eq!(world.everything().await, before);
        let other = ("if-none-match", "\"77\", \"x\"");
        send(&root, (Method::PUT, path), other, Some(body))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn accepting_an_invitation_that_changed_returns_412() {
    let (world, ada, id) = World::acme().await;
    let cy = world.member(&id, "cy", "readonly", "invited").await;
    let member = format!("/organizations/{id}/members/cy");
    let accept = format!("{member}/accept");
    let read = cy.get(&member).await.expect(200).headers["etag"].clone();
    let owner = json!({"role": "owner"});
    ada.patch(&member, owner).await.expect(200);
    let before = world.everything().await;
    for (header, tags) in [
        ("if-match", read.as_str()),
        ("if-match", "\"1\""),
        ("if-match", "garbage"),
        ("if-none-match", "*"),
    ] {
        let reply = send(&cy, (Method::POST, &accept), (header, tags), None).await;
        reply.problem(412, "version-mismatch");
    }
    assert_eq!(world.everything().await, before);

    let now = cy.get(&member).await.expect(200).headers["etag"].clone();
    let if_match = ("if-match", now.as_str());
    let accepted = send(&cy, (Method::POST, &accept), if_match, None).await;
    assert_eq!(accepted.expect(200).body["role"], "owner");
    // The version has changed: without a key, a repetition is a new request.
    let again = send(&cy, (Method::POST, &accept), if_match, None).await;
    again.problem(412, "version-mismatch");
}

/// The key returns the first response, even if the version has changed since.
#[tokio::test]
async fn a_repeated_accept_with_a_version_gets_its_first_answer() {
    let (world, _, id) = World::acme().await;
    let cy = world.member(&id, "cy", "readonly", "invited").await;
    let accept = format!("/organizations/{id}/members/me/accept");
    let mut replies = Vec::new();
    for _ in 0..2 {
        let request = cy.request(Method::POST, &accept);
        let request = request.header("if-match", "\"1\"");
        let request = request.header("idempotency-key", "k");
        replies.push(cy.send(request).await.expect(200));
    }
    assert_eq!(replies[0].body, replies[1].body);
    assert_eq!(replies[0].headers["etag"], replies[1].headers["etag"]);
}

#[tokio::test]
async fn restoring_an_organization_that_changed_returns_412() {
    let (_world, ada, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    let restore = format!("{organization}/restore");
    let tag = ada.get(&organization).await.expect(200).headers["etag"].clone();
    ada.delete(&organization).await.expect(204);
    let stale = ("if-match", tag.as_str());
    let reply = send(&ada, (Method::POST, &restore), stale, None).await;
    reply.problem(412, "version-mismatch");
    let current = ("if-match", "\"2\"");
    send(&ada, (Method::POST, &restore), current, None)
        .await
        .expect(200);
}
