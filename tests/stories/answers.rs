//! Responses describe the stored state.

use serde_json::json;
use support::{Reply, World};

/// Fails unless reading a resource shows what a write answered. Only reading an organization shows the number of its
/// members, and only creating a webhook endpoint its secret, so their tags are other ones for the same version.
#[track_caller]
pub(crate) fn is_shown(answer: &Reply, mut there: Reply, path: &str) {
    let mut answer = answer.clone();
    let counts = there.body.as_object_mut().unwrap().remove("member_count");
    let secret = answer.body.as_object_mut().unwrap().remove("secret");
    assert_eq!(answer.body, there.body, "{path}");
    let tags = [&answer, &there].map(|reply| reply.headers["etag"].clone());
    if counts.is_none() && secret.is_none() {
        assert_eq!(tags[0], tags[1], "{path}");
    } else {
        let versions = tags.map(|tag| tag.split_once('.').unwrap().0.to_owned());
        assert_eq!(versions[0], versions[1], "{path}");
    }
}

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
        is_shown(&made, root.get(location).await.expect(200), location);
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
        is_shown(&answer.expect(200), there.expect(200), path);
    }
}
