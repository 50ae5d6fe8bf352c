//! Revoking invitations, and what else ends them.

use muster_local::Options;
use reqwest::Method;
use serde_json::json;
use support::{Faults, World, invariants};

use super::{Calendar, MINUTE, acme, bob, events, path, verified};

#[tokio::test]
async fn revoking_an_invitation_twice_returns_204() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, id, invitations) = acme(&world).await;
    world.member(&id, "bob", "admin", "active").await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let stale = ada
        .request(Method::DELETE, &path(&made))
        .header("if-match", "\"9\"");
    ada.send(stale).await.problem(412, "version-mismatch");
    ada.delete(&path(&made)).await.expect(204);
    let before = world.everything().await;
    ada.delete(&path(&made)).await.expect(204);
    assert_eq!(world.everything().await, before);
    let revoked = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(
        (&revoked["status"], &revoked["version"]),
        (&json!("revoked"), &json!(2))
    );
    calendar.pass(MINUTE);
    let refused = ada.post_empty(&format!("{}/resend", path(&made))).await;
    refused.problem(409, "invitation-not-valid");
    let bob = ada.get(&format!("/organizations/{id}/members/bob")).await;
    assert_eq!(bob.body["role"], "admin");
    ada.delete(&format!("{invitations}/none"))
        .await
        .problem(404, "not-found");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_deleted_organization_has_no_invitations() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let organization = format!("/organizations/{id}");
    ada.delete(&organization).await.expect(204);
    for reply in [
        ada.get(&invitations).await,
        ada.post(&invitations, bob()).await,
        ada.get(&path(&made)).await,
        ada.post_empty(&format!("{}/resend", path(&made))).await,
        ada.delete(&path(&made)).await,
    ] {
        reply.problem(404, "not-found");
    }
    ada.post_empty(&format!("{organization}/restore"))
        .await
        .expect(200);
    assert_eq!(ada.get(&path(&made)).await.body["status"], "pending");
}

#[tokio::test]
async fn removing_a_member_revokes_invitations_to_their_address() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let other = world.organization(&ada, "Globex").await;
    let other = format!("/organizations/{other}/invitations");
    for (user, is_verified, status) in [("bob", true, "revoked"), ("eve", false, "pending")] {
        let email = format!("{user}@acme.example");
        let body = json!({"email": email});
        let made = ada.post(&invitations, body.clone()).await.expect(201);
        let elsewhere = ada.post(&other, body).await.expect(201);
        world.member(&id, user, "member", "active").await;
        if is_verified {
            verified(&world, user, &email.to_uppercase()).await;
        } else {
            let profile = json!({"email": email});
            let root = world.tenant_admin();
            root.put(&format!("/users/{user}"), profile)
                .await
                .expect(200);
        }
        ada.delete(&format!("/organizations/{id}/members/{user}"))
            .await
            .expect(204);
        let left = ada.get(&path(&made)).await.expect(200);
        assert_eq!(left.body["status"], status, "{user}");
        let left = ada.get(&path(&elsewhere)).await.expect(200);
        assert_eq!(left.body["status"], "pending", "{user}");
    }
    let types = events(&ada, &id).await;
    let revoked = types.iter().filter(|it| *it == "invitation.revoked");
    assert_eq!(revoked.count(), 1);
    invariants::check(&world.items().await);
}

/// The address is invited after the removal has read that it is not, and before it writes.
#[tokio::test]
async fn a_removal_revokes_an_invitation_of_that_moment() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (ada, id, invitations) = acme(&world).await;
    world.member(&id, "bob", "member", "active").await;
    verified(&world, "bob", "bob@acme.example").await;
    let member = format!("/organizations/{id}/members/bob");
    // An active member cannot be invited.
    ada.patch(&member, json!({"status": "suspended"}))
        .await
        .expect(200);
    let mut held = faults.hold("TransactWriteItems");
    let removal = tokio::spawn({
        let (ada, member) = (ada.clone(), member.clone());
        async move { ada.delete(&member).await }
    });
    held.arrived().await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    held.release();
    removal.await.unwrap().expect(204);
    let left = ada.get(&path(&made)).await.expect(200);
    assert_eq!(left.body["status"], "revoked");
    ada.get(&member).await.problem(404, "not-found");
    invariants::check(&world.items().await);
}
