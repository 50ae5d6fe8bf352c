//! SCIM as a service: who may call it, the form of its errors, limits, and what a stopped request leaves.

use muster::domain::ScimUserId;
use muster_local::Options;
use serde_json::{Value, json};
use support::{Fault, Faults, World};

use super::client::Provider;
use super::new_directory;
use super::{created, take_up};

#[tokio::test]
async fn a_request_needs_the_token_of_its_directory() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let made = world.tenant_admin_of("globex");
    let made = made.post("/directories", new_directory()).await;
    let other = Provider::of(&made.expect(201).body);
    for path in ["/Users", "/Groups/x", "/ServiceProviderConfig", "/.search"] {
        for token in [
            None,
            Some("mst_"),
            Some("Bearer"),
            Some(other.token.as_str()),
        ] {
            // The body is not read: it is no JSON.
            let mut request = provider.request("POST", path).body("{");
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{path} {token:?}");
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert_eq!(response.headers()["content-type"], "application/scim+json");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["status"], "401");
        }
    }
}

/// 24: Ids of another directory do not exist for a token.
#[tokio::test]
async fn case_24_ids_of_another_directory_do_not_exist() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let made = world.tenant_admin_of("globex");
    let made = made.post("/directories", new_directory()).await;
    let other = Provider::of(&made.expect(201).body);
    let id = provider.user("ada@acme.example").await;
    let group = provider.post("/Groups", json!({"displayName": "A"})).await;
    let group = group.expect(201).id();
    for path in [format!("/Users/{id}"), format!("/Groups/{group}")] {
        other.get(&path).await.error(404, None);
        let patched = other.patch(&path, json!([])).await;
        patched.error(404, None);
        other.call("DELETE", &path, None).await.error(404, None);
    }
    let body = json!({"displayName": "B", "members": [{"value": id}]});
    let attached = other.post("/Groups", body).await;
    attached.error(400, Some("invalidValue"));
    let found = other
        .get("/Users?filter=userName+eq+%22ada@acme.example%22")
        .await;
    assert_eq!(found.expect(200).body["totalResults"], 0);
    // The same address is legal in both.
    other.user("ada@acme.example").await;
}

/// 19 and 20: errors are JSON of SCIM, and both media types are accepted, with and without parameters.
#[tokio::test]
async fn case_20_both_media_types_are_accepted() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    for (n, media_type) in [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "application/json",
        "Application/JSON;charset=UTF-8",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"userName": format!("user{n}")});
        let request = provider.request("POST", "/Users").body(body.to_string());
        let made = provider.send(request.header("content-type", media_type));
        let made = made.await.expect(201);
        assert_eq!(made.media_type, "application/scim+json", "{media_type}");
    }
    for accept in ["application/json", "application/scim+json", "*/*"] {
        let request = provider.request("GET", "/Users").header("accept", accept);
        let found = provider.send(request).await.expect(200);
        assert_eq!(found.media_type, "application/scim+json", "{accept}");
        assert_eq!(found.body["totalResults"], 4);
    }
}

/// 33: A user that is deleted and created again has another id, and the old one stays gone.
#[tokio::test]
async fn case_33_a_deleted_user_comes_back_with_another_id() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let old = provider.user("ada@acme.example").await;
    let group = json!({"displayName": "Sales", "members": [{"value": old}]});
    let group = provider.post("/Groups", group).await.expect(201).id();
    let path = format!("/Users/{old}");
    provider.call("DELETE", &path, None).await.expect(204);
    let new = provider.user("ada@acme.example").await;
    assert_ne!(new, old);
    provider.get(&path).await.error(404, None);
    let body = json!({"userName": "ada@acme.example"});
    let put = provider.call("PUT", &path, Some(&body)).await;
    put.error(404, None);
    let patched = provider.patch(&path, json!([])).await;
    patched.error(404, None);
    let deleted = provider.call("DELETE", &path, None).await;
    deleted.error(404, None);
    for filter in ["userName", "externalId", "emails.value"] {
        let filter = format!("/Users?filter={filter}+eq+%22ada@acme.example%22");
        let found = provider.get(&filter).await.expect(200).body;
        assert_eq!(found["totalResults"], 1, "{filter}");
        assert_eq!(found["Resources"][0]["id"], new.as_str(), "{filter}");
    }
    assert!(provider.members(&group).await.is_empty());
}

#[tokio::test]
async fn errors_have_the_form_of_scim() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let id = provider.user("ada@acme.example").await;
    let user = format!("/Users/{id}");
    provider.get("/Nothing").await.error(404, None);
    provider.get("/Schemas/urn:none").await.error(404, None);
    provider
        .get("/Schemas?filter=id+eq+%22a%22")
        .await
        .error(403, None);
    for (method, path) in [
        ("PUT", "/Users"),
        ("DELETE", "/Groups"),
        ("POST", "/ServiceProviderConfig"),
        ("POST", &user),
        ("GET", "/.search"),
    ] {
        let reply = provider.call(method, path, Some(&json!({}))).await;
        reply.error(405, None);
    }
    let filter = provider.get("/Users?filter=userName+eq").await;
    filter.error(400, Some("invalidFilter"));
    let request = provider.request("POST", "/Users").body("{");
    let broken = request.header("content-type", "application/json");
    provider
        .send(broken)
        .await
        .error(400, Some("invalidSyntax"));
    let request = provider.request("POST", "/Users").body("a");
    let text = request.header("content-type", "text/plain");
    provider.send(text).await.error(415, None);
    let large = json!({"userName": "b", "nickName": "x".repeat(1_000_000)});
    provider.post("/Users", large).await.error(413, None);
    let large = json!({"userName": "b", "nickName": "x".repeat(200_000)});
    let large = provider.post("/Users", large).await;
    large.error(400, Some("invalidValue"));
    let long = json!({"displayName": "x".repeat(300)});
    let long = provider.post("/Groups", long).await;
    long.error(400, Some("invalidValue"));
}

#[tokio::test]
async fn a_paused_directory_can_be_read_only() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let id = provider.user("ada@acme.example").await;
    let root = world.tenant_admin();
    let directory = root.all("/directories").await.remove(0);
    let path = format!("/directories/{}", directory["id"].as_str().unwrap());
    let paused = root.patch(&path, json!({"status": "paused"})).await;
    paused.expect(200);
    let user = format!("/Users/{id}");
    provider.get(&user).await.expect(200);
    let body = json!({"userName": "b"});
    provider.post("/Users", body).await.error(403, None);
    provider.call("DELETE", &user, None).await.error(403, None);
    let active = root.patch(&path, json!({"status": "active"})).await;
    active.expect(200);
    provider.call("DELETE", &user, None).await.expect(204);
    root.delete(&path).await.expect(204);
    provider.get(&user).await.error(401, None);
}

#[tokio::test]
async fn of_many_requests_one_creates_the_user() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let all = (0..6).map(|_| provider.post("/Users", json!({"userName": "ada"})));
    let replies = futures::future::join_all(all).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    let list = provider.get("/Users").await.expect(200).body;
    assert_eq!(list["totalResults"], 1);
}

#[tokio::test]
async fn a_change_that_stopped_is_finished_by_the_next() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (scope, made) = created(&world).await;
    let provider = Provider::of(&made);
    let mut ids = Vec::new();
    for n in 0..70 {
        ids.push(provider.user(&format!("user{n}@acme.example")).await);
    }
    let group = provider
        .post("/Groups", json!({"displayName": "Sales"}))
        .await;
    let group = group.expect(201).id();
    let path = format!("/Groups/{group}");
    let members: Vec<_> = ids.iter().map(|id| json!({"value": id})).collect();
    let add = json!([{"op": "add", "path": "members", "value": members}]);
    faults.always("TransactWriteItems :set_done", Fault::Validation);
    // It is committed, and not carried out.
    provider.patch(&path, add).await.expect(204);
    let remove = |id: &str| json!([{"op": "remove", "path": "members", "value": [{"value": id}]}]);
    // All of it counts for readers, and another change of the group waits for it.
    assert_eq!(provider.members(&group).await.len(), 70);
    let blocked = provider.patch(&path, remove(&ids[1])).await;
    assert_eq!(blocked.status, 500, "{blocked:?}");
    // Other groups and users do not.
    let other = json!({"displayName": "Other", "members": [{"value": ids[5]}]});
    provider.post("/Groups", other).await.expect(201);
    faults.stop();
    // A user that is deleted meanwhile is left out.
    let first = format!("/Users/{}", ids[0]);
    provider.call("DELETE", &first, None).await.expect(204);
    provider.patch(&path, remove(&ids[1])).await.expect(204);
    let mut left = provider.members(&group).await;
    left.sort();
    let mut expected = ids[2..].to_vec();
    expected.sort();
    assert_eq!(left, expected);

    // The same for a deletion.
    faults.always("Query MEMBER#", Fault::Validation);
    provider.call("DELETE", &path, None).await.expect(204);
    faults.stop();
    let shown = provider.get(&format!("/Users/{}", ids[9])).await;
    assert_eq!(shown.expect(200).body.get("groups"), None);
    take_up(&world, &scope).await;
    let left = world.items().await;
    let left = left
        .iter()
        .filter(|item| item["pk"].as_str().unwrap().ends_with(&group));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn attributes_missing_in_a_put_stay() {
    let world = World::start().await;
    let (scope, made) = created(&world).await;
    let provider = Provider::of(&made);
    let ada = provider.user("ada@acme.example").await;
    let group = json!({"displayName": "Sales", "members": [{"value": ada}]});
    let group = provider.post("/Groups", group).await.expect(201).id();
    let path = format!("/Groups/{group}");
    let put = async |path: &str, body: Value| provider.call("PUT", path, Some(&body)).await;
    put(&path, json!({"displayName": "Sales 2"}))
        .await
        .expect(200);
    assert_eq!(provider.members(&group).await, std::slice::from_ref(&ada));
    let none = json!({"displayName": "Sales 2", "Members": []});
    put(&path, none).await.expect(200);
    assert!(provider.members(&group).await.is_empty());

    let path = format!("/Users/{ada}");
    let inactive = json!({"userName": "ada@acme.example", "active": "False"});
    put(&path, inactive).await.expect(200);
    let silent = json!({"userName": "ada@acme.example", "displayName": "Ada"});
    assert_eq!(put(&path, silent).await.expect(200).body["active"], false);
    let remove = json!([{"op": "remove", "path": "active"}]);
    provider.patch(&path, remove).await.expect(200);
    let store = world.store();
    let id = ScimUserId::parse(ada).unwrap();
    let kept = store.scim_user(&scope, &id).await.unwrap().unwrap();
    assert!(!kept.is_active);
}

#[tokio::test]
async fn groups_in_groups_do_not_contain_themselves() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let mut groups = Vec::new();
    for name in ["Outer", "Inner"] {
        let group = provider.post("/Groups", json!({"displayName": name}));
        groups.push(group.await.expect(201).id());
    }
    let add = async |group: &str, member: &str| {
        let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
        provider.patch(&format!("/Groups/{group}"), add).await
    };
    let (outer, inner) = (&*groups[0], &*groups[1]);
    add(outer, outer).await.error(400, Some("invalidValue"));
    let own = json!({"displayName": "Outer", "members": [{"value": outer}]});
    let path = format!("/Groups/{outer}");
    let own = provider.call("PUT", &path, Some(&own)).await;
    own.error(400, Some("invalidValue"));
    assert!(provider.members(outer).await.is_empty());
    // A member of an inner group is not one of the outer group, so a circle gives nothing.
    let ada = provider.user("ada@acme.example").await;
    add(inner, &ada).await.expect(204);
    add(outer, inner).await.expect(204);
    add(inner, outer).await.expect(204);
    assert_eq!(provider.members(outer).await, [inner]);
    let shown = provider.get(&format!("/Users/{ada}")).await.expect(200);
    assert_eq!(shown.body["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn too_many_operations_or_values_change_nothing() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let ada = provider.user("ada@acme.example").await;
    let path = format!("/Users/{ada}");
    let before = provider.get(&path).await.expect(200).body;
    let one = json!({"op": "add", "path": "displayName", "value": "x"});
    let many = Value::Array(vec![one; 10_000]);
    provider
        .patch(&path, many)
        .await
        .error(400, Some("invalidSyntax"));
    let values = (0..2_000).map(|n| json!({"value": format!("{n}")}));
    let values = Value::Array(values.collect());
    let at_once = json!([{"op": "add", "path": "phoneNumbers", "value": values}]);
    provider
        .patch(&path, at_once)
        .await
        .error(400, Some("invalidValue"));
    assert_eq!(provider.get(&path).await.expect(200).body, before);
}
