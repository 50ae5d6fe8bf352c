//! A membership that was removed and added again is a new one: decisions about the old one are made
//! again.

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Faults, Reply, World, invariants};

/// Holds a request in flight, replaces bob's membership meanwhile, and releases the request.
async fn held(
    (role, status): (&str, &str),
    (new_role, new_status): (&str, &str),
    request: impl AsyncFn(&Actor, &Actor, String) -> Reply,
) -> (World, Reply, Value) {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", role, status).await;
    let members = format!("/organizations/{id}/members");
    let path = format!("{members}/bob");

    let mut held = proxy.hold("TransactWriteItems");
    let meanwhile = async {
        held.arrived().await;
        ada.delete(&path).await.expect(204);
        let body = json!({"user_id": "bob", "role": new_role, "status": new_status});
        ada.post(&members, body).await.expect(201);
        held.release();
    };
    let (reply, ()) = futures::join!(request(&ada, &bob, path.clone()), meanwhile);
    invariants::check(&world.items().await);
    let now = ada.get(&path).await.body;
    (world, reply, now)
}

#[tokio::test]
async fn a_role_change_of_a_replaced_membership_is_decided_again() {
    let (_world, reply, now) = held(
        ("owner", "active"),
        ("owner", "invited"),
        async |ada, _, path| ada.patch(&path, json!({"role": "member"})).await,
    )
    .await;
    assert_eq!(reply.expect(200).body, now);
    assert_eq!(
        (&now["role"], &now["status"]),
        (&json!("member"), &json!("invited"))
    );
}

#[tokio::test]
async fn a_replaced_invitation_is_accepted_with_its_new_role() {
    let (_world, reply, now) = held(
        ("owner", "invited"),
        ("readonly", "invited"),
        async |_, bob, path| bob.post_empty(&format!("{path}/accept")).await,
    )
    .await;
    assert_eq!(reply.expect(200).body["role"], "readonly");
    assert_eq!(
        (&now["role"], &now["status"]),
        (&json!("readonly"), &json!("active"))
    );
}

#[tokio::test]
async fn removing_a_replaced_membership_is_decided_again() {
    let (_world, reply, now) = held(
        ("member", "active"),
        ("owner", "active"),
        async |ada, _, path| ada.delete(&path).await,
    )
    .await;
    reply.expect(204);
    assert_eq!(now["code"], "not-found");
}
