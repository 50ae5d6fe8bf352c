//! How long an invitation is open, and what its end means.

use muster::domain::Timestamp;
use serde_json::{Value, json};
use support::invariants;

use super::{invite, organization};
use crate::organizations::lifecycle::expiry::{DAY, Later};

/// The time in milliseconds.
fn millisecond(time: &Value) -> i64 {
    let time: Timestamp = serde_json::from_value(time.clone()).unwrap();
    time.as_millisecond()
}

fn days_open(invitation: &Value) -> i64 {
    let open = millisecond(&invitation["expires_at"]) - millisecond(&invitation["updated_at"]);
    open / i64::try_from(DAY).unwrap()
}

#[tokio::test]
async fn an_open_invitation_expires_after_7_days() {
    let later = Later::default();
    let world = later.world().await;
    let (_, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let accept = format!("{members}/me/accept");
    invite(&ada, &members, "member").await;
    let open = "/users/me/organizations?status=invited";
    let invited = cy.all(open).await.remove(0);
    assert_eq!(days_open(&invited), 7);

    later.by(7 * DAY);
    let refused = cy.post_empty(&accept).await;
    let refused = refused.problem(409, "invitation-not-valid").body;
    assert!(refused["detail"].as_str().unwrap().contains("has expired"));
    let member = format!("{members}/cy");
    let shown = ada.get(&member).await.expect(200).body;
    assert_eq!(
        (&shown["status"], &shown["version"]),
        (&json!("invited"), &json!(1))
    );
    assert_eq!(shown["expires_at"], invited["expires_at"]);

    // Inviting again renews it, for the same inviter too. A repetition changes nothing.
    let again = json!({"user_id": "cy", "role": "member"});
    let renewed = ada.post(&members, again.clone()).await.expect(200).body;
    assert_eq!((days_open(&renewed), &renewed["version"]), (7, &json!(2)));
    assert!(millisecond(&renewed["expires_at"]) > millisecond(&shown["expires_at"]));
    assert_eq!(ada.post(&members, again).await.expect(200).body, renewed);
    later.by(7 * DAY - 60_000);
    let accepted = cy.post_empty(&accept).await.expect(200).body;
    assert_eq!(accepted["expires_at"], Value::Null);
    later.by(8 * DAY);
    assert_eq!(
        cy.post_empty(&accept).await.expect(200).body["status"],
        "active"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_expired_invitation_blocks_no_other_role() {
    let later = Later::default();
    let world = later.world().await;
    let (id, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let bob = world.member(&id, "bob", "admin", "active").await;
    let body = |role: &str, status: &str| json!({"user_id": "cy", "role": role, "status": status});
    let member = format!("{members}/cy");
    for (role, status) in [("manager", "invited"), ("manager", "active")] {
        invite(&ada, &members, "owner").await;
        let asked = body(role, status);
        bob.post(&members, asked.clone())
            .await
            .problem(409, "already-member");
        later.by(7 * DAY);
        let batch = json!({"items": [asked.clone()]});
        let results = bob.post(&format!("{members}/batch"), batch).await;
        let results = results.expect(200).body;
        let stored = bob.get(&member).await.expect(200).body;
        assert_eq!(
            (&stored["role"], &stored["status"]),
            (&asked["role"], &asked["status"]),
            "{results}"
        );
        assert_eq!(
            stored["invited_by_user_id"],
            if status == "invited" { "bob" } else { "ada" }
        );
        assert_eq!(bob.post(&members, asked).await.expect(200).body, stored);
        if status == "invited" {
            // No role above the caller's own.
            later.by(7 * DAY);
            bob.post(&members, body("owner", "invited"))
                .await
                .problem(403, "forbidden");
            cy.post_empty(&format!("{members}/me/accept"))
                .await
                .problem(409, "invitation-not-valid");
        }
        invariants::check(&world.items().await);
        ada.delete(&member).await.expect(204);
    }
}

#[tokio::test]
async fn another_role_opens_an_invitation_for_7_more_days() {
    let later = Later::default();
    let world = later.world().await;
    let (_, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    invite(&ada, &members, "member").await;
    later.by(8 * DAY);
    let member = format!("{members}/cy");
    // The same role is no change.
    let same = ada.patch(&member, json!({"role": "member"})).await;
    assert_eq!(same.expect(200).body["version"], 1);
    let other = ada.patch(&member, json!({"role": "manager"})).await;
    assert_eq!(days_open(&other.expect(200).body), 7);
    let accepted = cy.post_empty(&format!("{members}/me/accept")).await;
    assert_eq!(accepted.expect(200).body["role"], "manager");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_invitation_is_renewed_once_among_many() {
    let later = Later::default();
    let world = later.world().await;
    let (_, members) = organization(&world).await;
    let ada = world.user("ada");
    invite(&ada, &members, "member").await;
    later.by(7 * DAY);
    let replies = support::at_once((0..8).map(|_| {
        let (ada, members) = (ada.clone(), members.clone());
        async move {
            let again = json!({"user_id": "cy", "role": "manager"});
            ada.post(&members, again).await
        }
    }))
    .await;
    for reply in replies {
        assert_eq!(reply.expect(200).body["version"], 2);
    }
    invariants::check(&world.items().await);
}
