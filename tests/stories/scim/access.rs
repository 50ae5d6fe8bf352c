//! `active` of a directory user ends and gives access.

use serde_json::json;
use support::{Fault, invariants};

use super::effect::{BOTH, Scene, adding, organizations};
use super::live;
use super::resumption::NOTHING;

/// 28: `active: false` ends access, also after a login.
#[tokio::test]
async fn case_28_a_user_who_is_not_active_has_no_access() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.change(&group, adding(&[&ada])).await;
    scene.login("ada").await;
    scene.set_active(&ada, false).await;
    assert!(scene.is_disabled("ada").await);
    let own = scene.world.user("ada").get("/users/me/organizations").await;
    own.problem(403, "user-disabled");
    // A login gives nothing back and makes no twin.
    scene.login("ada").await;
    assert!(scene.is_disabled("ada").await);
    assert_eq!(scene.memberships("ada").await, BOTH);
    scene.set_active(&ada, true).await;
    assert!(!scene.is_disabled("ada").await);
    assert_eq!(scene.memberships("ada").await, BOTH);
    let actors = scene.events("user.disabled").await;
    assert_eq!(actors[0]["actor"]["type"], "scim");
    scene.check().await;
}

#[tokio::test]
async fn users_disabled_by_an_admin_stay_disabled() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    scene.login("ada").await;
    let root = scene.world.tenant_admin();
    root.patch("/users/ada", json!({"status": "disabled"}))
        .await
        .expect(200);
    scene.set_active(&ada, false).await;
    scene.set_active(&ada, true).await;
    assert!(scene.is_disabled("ada").await);
}

/// Access that could not be changed: each kind of request answers 503, and does it when it is repeated.
#[tokio::test]
async fn a_request_after_503_can_be_repeated() {
    let (scene, faults) = live::Scene::faulty().await;
    let id = scene.linked(&live::names(1)).await.remove(0);
    let user = format!("/Users/{id}");
    let root = scene.world.tenant_admin();
    let status = async || {
        let shown = root.get("/users/user-000").await.expect(200);
        shown.body["status"].as_str().unwrap().to_owned()
    };
    let patched = |is_active: bool| {
        let operations = json!([{"op": "replace", "path": "active", "value": is_active}]);
        ("PATCH", user.clone(), json!({"Operations": operations}))
    };
    let body = |is_active: bool| json!({"userName": "user-000", "active": is_active, "externalId": "user-000"});
    let put = |is_active: bool| ("PUT", user.clone(), body(is_active));
    let post = ("POST", "/Users".to_owned(), body(true));
    for (request, done, expected) in [
        (patched(false), 200, "disabled"),
        (patched(true), 200, "enabled"),
        (put(false), 200, "disabled"),
        (post, 201, "enabled"),
        (patched(false), 200, "disabled"),
        (put(true), 200, "enabled"),
    ] {
        let (method, path, body) = request;
        let before = status().await;
        assert_ne!(before, expected);
        faults.always(
            &format!("TransactWriteItems user.{expected}"),
            Fault::Validation,
        );
        let failed = scene.provider.call(method, &path, Some(&body)).await;
        failed.error(503, None);
        assert_eq!(status().await, before, "{method} {expected}");
        faults.stop();
        let again = scene.provider.call(method, &path, Some(&body)).await;
        assert_eq!(again.expect(done).id(), id, "{method}");
        assert_eq!(status().await, expected, "{method}");
        assert_eq!(scene.left().await, NOTHING);
    }
    // The user is active, and nothing is left to do for a repeated creation.
    let twin = scene.provider.post("/Users", body(true)).await;
    twin.error(409, Some("uniqueness"));
    invariants::check(&scene.world.items().await);
}
