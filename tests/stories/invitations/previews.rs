//! The preview of an invitation for the holder of its link, before they sign in.

use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Lines, Reply, World};

use crate::invitations::by_email::{Calendar, DAY, MINUTE, acme, bob, path, token, verified};

/// Opens a link without a token of a user.
async fn open(world: &World, token: &str) -> Reply {
    let anyone = world.bearer("anyone", None);
    anyone.get(&format!("/invitations/{token}")).await
}

#[tokio::test]
async fn the_holder_of_a_link_sees_what_it_offers() {
    let (world, _) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let token = token(&made);
    let mut expected = json!({
        "organization": {"name": "Acme"},
        "email": "bob@acme.example",
        "role": "member",
        "invited_by": {"display_name": null},
        "expires_at": made.body["expires_at"],
    });
    let before = world.everything().await;
    world.calls.take();
    let seen = open(&world, &token).await.expect(200);
    assert_eq!(world.calls.operations(), ["BatchGetItem"]);
    assert_eq!(seen.body, expected);
    assert_eq!(world.everything().await, before);
    let root = world.tenant_admin();
    root.put("/users/ada", json!({"display_name": "Ada Lovelace"}))
        .await;
    expected["invited_by"]["display_name"] = json!("Ada Lovelace");
    let seen = open(&world, &token).await.expect(200);
    assert_eq!(seen.body, expected);
    // A signed-in user of any tenant sees the same.
    let other = world.user_of("globex", "gus");
    let seen = other.get(&format!("/invitations/{token}")).await;
    assert_eq!(seen.expect(200).body, expected);
}

#[tokio::test]
async fn every_link_that_does_not_work_shows_the_same_404() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, id, invitations) = acme(&world).await;
    let mut made = Vec::new();
    for email in ["a", "b", "bob", "d"] {
        let email = format!("{email}@acme.example");
        let body = json!({"email": email, "expires_in_days": 1});
        made.push(ada.post(&invitations, body).await.expect(201));
    }
    let [replaced, revoked, used, expired] = &made[..] else {
        panic!("four invitations");
    };
    calendar.pass(MINUTE);
    let resend = format!("{}/resend", path(replaced));
    let current = token(&ada.post_empty(&resend).await.expect(200));
    open(&world, &current).await.expect(200);
    ada.delete(&path(revoked)).await.expect(204);
    verified(&world, "bob", "bob@acme.example").await;
    let body = json!({"token": token(used)});
    let bob = world.user("bob");
    bob.post("/invitations/accept", body).await.expect(200);
    calendar.pass(DAY - MINUTE);
    open(&world, &current).await.expect(200);
    let (named, mac) = current.split_once('.').unwrap();
    let forged = format!("{named}.{}", mac.chars().rev().collect::<String>());
    let mut seen: Vec<Value> = Vec::new();
    for (what, token) in [
        ("replaced", token(replaced)),
        ("revoked", token(revoked)),
        ("used", token(used)),
        ("expired", token(expired)),
        ("forged", forged),
        ("malformed", "none".to_owned()),
        ("of a deleted organization", current.clone()),
    ] {
        if token == current {
            let path = format!("/organizations/{id}");
            ada.delete(&path).await.expect(204);
        }
        world.calls.take();
        let mut reply = open(&world, &token).await;
        assert_eq!(reply.status, 404, "{what}");
        assert_eq!(world.calls.operations(), ["BatchGetItem"], "{what}");
        let body = reply.body.as_object_mut().unwrap();
        assert!(body.remove("request_id").is_some(), "{what}");
        seen.push(reply.body);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0]["instance"], "/invitations/%7Btoken%7D");
}

#[tokio::test]
async fn a_preview_takes_no_query() {
    let world = World::start().await;
    let anyone = world.bearer("anyone", None);
    let request = anyone.request(Method::GET, "/invitations/none?x=1");
    let refused = anyone.send(request).await;
    refused.problem(400, "validation-failed");
}

#[tokio::test]
async fn the_token_of_a_preview_is_not_logged() {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let token = token(&made);
    open(&world, &token).await.expect(200);
    open(&world, &format!("{token}x")).await;
    let logged = format!("{:?}", lines.take());
    let (_, mac) = token.split_once('.').unwrap();
    assert!(!logged.contains("inv1_") && !logged.contains(mac));
    assert!(logged.contains("GET /invitations/{token}"), "{logged}");
}
