//! Sending an invitation again.

use reqwest::Method;
use serde_json::json;
use support::{at_once, invariants};

use super::{Calendar, DAY, MINUTE, acme, bob, events, path, token};

#[tokio::test]
async fn resending_makes_a_new_link_for_the_same_time() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let resend = format!("{}/resend", path(&made));
    calendar.pass(MINUTE - 1);
    let early = ada.post_empty(&resend).await;
    assert_eq!(early.headers["retry-after"], "60");
    early.problem(429, "sent-recently");
    calendar.pass(DAY - MINUTE + 1);
    let max = world.member(&id, "max", "admin", "active").await;
    let again = max.post_empty(&resend).await.expect(200);
    assert_ne!(token(&again), token(&made));
    assert_eq!(again.body["id"], made.body["id"]);
    assert_eq!(again.body["send_count"], 2);
    assert_eq!(again.body["version"], 2);
    assert_eq!(again.body["invited_by_user_id"], "max");
    assert_eq!(again.body["expires_at"], "2026-11-29T00:00:00.000Z");
    assert_eq!(ada.all(&invitations).await.len(), 1);
    let types = events(&ada, &id).await;
    assert!(types.contains(&"invitation.resent".to_owned()), "{types:?}");
    let stale = ada
        .request(Method::POST, &resend)
        .header("if-match", "\"1\"");
    calendar.pass(MINUTE);
    ada.send(stale).await.problem(412, "version-mismatch");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn resending_at_once_issues_one_token() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    calendar.pass(MINUTE);
    let resend = format!("{}/resend", path(&made));
    let replies = at_once((0..6).map(|_| {
        let (ada, resend) = (ada.clone(), resend.clone());
        async move { ada.post_empty(&resend).await }
    }))
    .await;
    let sent = replies.iter().filter(|reply| reply.status == 200);
    assert_eq!(sent.count(), 1);
    assert!(
        replies
            .iter()
            .all(|reply| [200, 429].contains(&reply.status))
    );
    let shown = ada.get(&path(&made)).await.expect(200);
    assert_eq!(shown.body["send_count"], 2);
    // A repeated request gets the first answer.
    calendar.pass(MINUTE);
    let once = || async {
        let request = ada.request(Method::POST, &resend);
        ada.send(request.header("idempotency-key", "k")).await
    };
    let first = once().await.expect(200);
    let again = once().await.expect(200);
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn an_expired_invitation_does_not_block_a_new_one() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    calendar.pass(7 * DAY - 1);
    assert_eq!(ada.get(&path(&made)).await.body["status"], "pending");
    calendar.pass(1);
    let expired = ada.get(&path(&made)).await;
    assert_eq!(expired.body["status"], "expired");
    assert_eq!(expired.body["version"], 1);
    for (status, count) in [("pending", 0), ("expired", 1), ("revoked", 0)] {
        let found = ada.all(&format!("{invitations}?status={status}")).await;
        assert_eq!(found.len(), count, "{status}");
    }
    let admin = json!({"email": "bob@acme.example", "role": "admin"});
    let next = ada.post(&invitations, admin).await.expect(201);
    // The expired one can be revoked, and cannot come back beside the new one.
    let resend = format!("{}/resend", path(&made));
    let refused = ada.post_empty(&resend).await;
    refused.problem(409, "invitation-not-valid");
    ada.delete(&path(&made)).await.expect(204);
    assert_eq!(ada.get(&path(&next)).await.body["status"], "pending");
    let again = ada.post(&invitations, bob()).await;
    again.problem(409, "already-invited");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn resending_an_expired_invitation_makes_it_pending() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    calendar.pass(30 * DAY);
    let resend = format!("{}/resend", path(&made));
    let again = ada.post_empty(&resend).await.expect(200);
    assert_eq!(again.body["status"], "pending");
    assert_eq!(again.body["expires_at"], "2026-12-28T00:00:00.000Z");
    let found = ada.post(&invitations, bob()).await.expect(200);
    assert_eq!(found.body, again.body);
    invariants::check(&world.items().await);
}
