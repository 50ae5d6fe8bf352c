//! Versions of users and groups: `ETag`, `If-Match` and `If-None-Match`.

use serde_json::{Value, json};
use support::{Fault, World};

use super::client::Provider;
use super::live::{Scene, names};

#[tokio::test]
async fn a_version_is_required_by_if_match() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let made = provider.post("/Users", json!({"userName": "ada"})).await;
    let made = made.expect(201);
    assert_eq!(made.etag.as_deref(), Some("W/\"1\""));
    assert_eq!(
        made.location.as_deref(),
        made.body["meta"]["location"].as_str()
    );
    let user = format!("/Users/{}", made.id());
    let titled = |tag: &str| {
        let body = json!({"Operations": [{"op": "replace", "path": "title", "value": tag}]});
        let request = provider.request("PATCH", &user).header("if-match", tag);
        request
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    let changed = provider.send(titled("W/\"1\"")).await.expect(200);
    assert_eq!(changed.etag.as_deref(), Some("W/\"2\""));
    // Repeated, it changes nothing.
    let again = provider.send(titled("W/\"1\"")).await.expect(200);
    assert_eq!(again.etag.as_deref(), Some("W/\"2\""));
    provider.send(titled("W/\"0\"")).await.error(412, None);
    provider.send(titled("nonsense")).await.error(412, None);
    provider.send(titled("*")).await.expect(200);
    // The version says nothing about the groups of a user.
    let shown = provider.request("GET", &user);
    let shown = shown.header("if-none-match", "W/\"3\"");
    provider.send(shown).await.expect(200);
    let held = provider.request("GET", &format!("{user}?excludedAttributes=groups"));
    let held = provider.send(held.header("if-none-match", "W/\"3\"")).await;
    assert_eq!((held.status, held.body), (304, Value::Null));
    let delete = provider
        .request("DELETE", &user)
        .header("if-match", "W/\"2\"");
    provider.send(delete).await.error(412, None);
}

/// It was written, and its answer was an error: the version that it names is not the current one any more.
#[tokio::test]
async fn a_repeated_request_may_name_the_version_before() {
    let (scene, faults) = Scene::faulty().await;
    let id = scene.linked(&names(1)).await.remove(0);
    let path = format!("/Users/{id}");
    let etag = scene.provider.get(&path).await.expect(200).etag.unwrap();
    let deactivate = |path: &str, operations: Value| {
        let request = scene.provider.request("PATCH", path);
        request
            .header("if-match", &etag)
            .header("content-type", "application/json")
            .body(json!({"Operations": operations}).to_string())
    };
    let active = |value: bool| json!([{"op": "replace", "path": "active", "value": value}]);
    faults.always("TransactWriteItems user.disabled", Fault::Validation);
    let failed = scene.provider.send(deactivate(&path, active(false))).await;
    failed.error(503, None);
    faults.stop();
    let again = scene.provider.send(deactivate(&path, active(false))).await;
    assert_ne!(again.expect(200).etag.as_ref(), Some(&etag));
    let root = scene.world.tenant_admin();
    let shown = root.get("/users/user-000").await.expect(200);
    assert_eq!(shown.body["status"], "disabled");
    // What would change something is refused.
    let back = scene.provider.send(deactivate(&path, active(true))).await;
    back.error(412, None);

    let group = format!("/Groups/{}", scene.group("Sales", &[]).await);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let added = scene.provider.send(deactivate(&group, add.clone())).await;
    added.expect(204);
    let again = scene.provider.send(deactivate(&group, add.clone())).await;
    again.expect(204);
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": id}]}]);
    let back = scene.provider.send(deactivate(&group, remove)).await;
    back.error(412, None);
    let unknown = json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]);
    let refused = scene.provider.send(deactivate(&group, unknown)).await;
    refused.error(412, None);
}

/// A group loses a member that was deleted before its recorded change was carried out: its version says so.
#[tokio::test]
async fn a_version_names_one_state_of_the_members() {
    let (scene, faults) = Scene::faulty().await;
    let mut ids = Vec::new();
    for name in names(34) {
        ids.push(scene.provider.user(&name).await);
    }
    faults.always("TransactWriteItems #done", Fault::Validation);
    let group = scene.group("Sales", &ids).await;
    let user = format!("/Users/{}", ids[33]);
    scene.provider.call("DELETE", &user, None).await.expect(204);
    let path = format!("/Groups/{group}");
    let before = scene.provider.get(&path).await.expect(200);
    assert_eq!(before.body["members"].as_array().unwrap().len(), 34);
    faults.stop();
    scene.take_up().await;
    let after = scene.provider.get(&path).await.expect(200);
    assert_eq!(after.body["members"].as_array().unwrap().len(), 33);
    assert_ne!(before.etag, after.etag);
    let etag = before.etag.unwrap();
    let held = scene.provider.request("GET", &path);
    let held = held.header("if-none-match", &etag);
    scene.provider.send(held).await.expect(200);
    let rename = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "S"}]});
    let rename = scene
        .provider
        .request("PATCH", &path)
        .header("if-match", &etag)
        .header("content-type", "application/json")
        .body(rename.to_string());
    scene.provider.send(rename).await.error(412, None);
}
