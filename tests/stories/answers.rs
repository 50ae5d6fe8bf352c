//! Responses describe the stored state.

use serde_json::json;
use support::World;

#[tokio::test]
async fn created_resources_are_at_their_location() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    world.register(&["a.b@c.example", "x|y=z+1:2"]).await;
    let members = format!("/organizations/{id}/members");
    let mut made = vec![
        ada.post("/organizations", json!({"name": "B"})).await,
        root.put("/users/new", json!({})).await,
        root.post("/teams", json!({"name": "T"})).await,
        ada.post(&format!("/organizations/{id}/teams"), json!({"name": "T"}))
            .await,
    ];
    for user in ["a.b@c.example", "x|y=z+1:2"] {
        made.push(
            ada.post(&members, json!({"user_id": user, "status": "active"}))
                .await,
        );
    }
    for made in made {
        let made = made.expect(201);
        let location = &made.headers["location"];
        assert!(
            location.starts_with('/') && !location.contains('|'),
            "{location}"
        );
        let got = root.get(location).await.expect(200);
        assert_eq!(
            (&got.body, &got.headers["etag"]),
            (&made.body, &made.headers["etag"])
        );
    }
}

#[tokio::test]
async fn the_response_to_a_change_shows_the_stored_state() {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let ivy = world.member(&id, "ivy", "member", "invited").await;
    let member = format!("{organization}/members/ivy");
    let made = root.post("/teams", json!({"name": "T"})).await.expect(201);
    let team = made.headers["location"].clone();
    let accepted = ivy.post_empty(&format!("{member}/accept")).await;
    assert_ne!(accepted.body["updated_at"], accepted.body["created_at"]);
    let mut responses = vec![(&member, accepted, root.get(&member).await)];
    for (path, change) in [
        (&member, json!({"role": "manager"})),
        (&organization, json!({"name": "New"})),
        (&team, json!({"name": "New"})),
    ] {
        responses.push((path, root.patch(path, change).await, root.get(path).await));
    }
    root.delete(&organization).await.expect(204);
    let restored = root.post_empty(&format!("{organization}/restore")).await;
    responses.push((&organization, restored, root.get(&organization).await));
    for (path, answer, there) in responses {
        let (answer, there) = (answer.expect(200), there.expect(200));
        assert_eq!(answer.body, there.body, "{path}");
        assert_eq!(answer.headers["etag"], there.headers["etag"], "{path}");
    }
}
