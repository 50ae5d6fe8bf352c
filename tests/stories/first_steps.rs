//! From an empty table to an organization with two members.

use serde_json::json;
use support::World;

#[tokio::test]
async fn a_user_creates_an_organization_and_a_colleague_joins() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["bob"]).await;
    let id = world.organization(&ada, "Acme").await;

    let members = format!("/organizations/{id}/members");
    ada.post(&members, json!({"user_id": "bob"}))
        .await
        .expect(201);
    let bob = world.user("bob");
    bob.get(&format!("/organizations/{id}"))
        .await
        .problem(404, "not-found");
    let pending = bob
        .get("/users/me/organizations?status=invited")
        .await
        .expect(200);
    assert_eq!(pending.body["items"][0]["organization"]["name"], "Acme");

    bob.post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200);
    bob.get(&format!("/organizations/{id}")).await.expect(200);
    assert_eq!(ada.all(&members).await.len(), 2);
}
