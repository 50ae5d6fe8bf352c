//! Invitations of the address of an erased user.

use serde_json::{Value, json};
use support::{World, invariants};

use super::{EVE, personal};
use crate::invitations::by_email::{Calendar, DAY, path, verified};

/// The address of an erased user is gone from the invitations of it, in every status; those of others stay.
#[tokio::test]
async fn invitations_lose_the_address_of_an_erased_user() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let (address, other) = ("eve.adams@acme.example", "else@acme.example");
    verified(&world, "eve", address).await;
    let eve = world.user("eve");
    let mut made = Vec::new();
    for name in ["Expired", "Accepted", "Declined", "Revoked", "Open"] {
        let id = world.organization(&ada, name).await;
        let invitations = format!("/organizations/{id}/invitations");
        let days = if name == "Expired" { 1 } else { 30 };
        let body = json!({"email": address, "expires_in_days": days});
        let one = ada.post(&invitations, body).await.expect(201);
        let answer = |how: &str| format!("/users/me/invitations/{}/{how}", text(&one.body["id"]));
        match name {
            "Accepted" => _ = eve.post_empty(&answer("accept")).await.expect(200),
            "Declined" => _ = eve.post_empty(&answer("decline")).await.expect(204),
            "Revoked" => _ = ada.delete(&path(&one)).await.expect(204),
            _ => {}
        }
        made.push(path(&one));
        if name == "Open" {
            let body = json!({"email": other});
            made.push(path(&ada.post(&invitations, body).await.expect(201)));
        }
    }
    calendar.pass(2 * DAY);
    let mut before = Vec::new();
    for one in &made {
        before.push(ada.get(one).await.expect(200).body["status"].clone());
    }
    let expected = [
        "expired", "accepted", "declined", "revoked", "pending", "pending",
    ];
    assert_eq!(before, expected);
    assert!(personal(&world).await.len() > 5);
    root.delete(EVE).await.expect(204);

    let mut after = Vec::new();
    for one in &made {
        let shown = ada.get(one).await.expect(200).body;
        after.push((text(&shown["status"]), shown["email"].clone()));
    }
    let erased = ["revoked", "accepted", "declined", "revoked", "revoked"];
    let erased = erased.map(|status| (status.to_owned(), Value::Null));
    let kept = ("pending".to_owned(), json!(other));
    assert_eq!(after, [erased.as_slice(), &[kept]].concat());
    let left = personal(&world).await.into_iter();
    let kept_answers = |item: &String| item.contains("IDEMPOTENCY");
    assert_eq!(
        left.filter(|it| !kept_answers(it)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let events = root.all("/events").await;
    let revoked = events
        .iter()
        .filter(|it| it["type"] == "invitation.revoked");
    assert_eq!(revoked.count(), 3);
    // The address can be invited again.
    let invitations = made[4].rsplit_once('/').unwrap().0;
    let again = ada.post(invitations, json!({"email": address})).await;
    again.expect(201);
    invariants::check(&world.items().await);
}

/// An address that is not verified may be someone else's: their invitation stays.
#[tokio::test]
async fn an_unverified_address_revokes_no_invitation() {
    let world = World::start().await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    root.put(EVE, json!({"email": "eve.adams@acme.example"}))
        .await
        .expect(201);
    let id = world.organization(&ada, "Acme").await;
    let invitations = format!("/organizations/{id}/invitations");
    let body = json!({"email": "eve.adams@acme.example"});
    let made = ada.post(&invitations, body).await.expect(201);
    root.delete(EVE).await.expect(204);
    assert_eq!(ada.get(&path(&made)).await.body["status"], "pending");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
