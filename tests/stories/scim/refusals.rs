//! Requests that are refused: with an error of SCIM that reveals nothing of others, and without any change.

use serde_json::{Value, json};
use support::World;

use super::client::Provider;
use super::new_directory;

fn patch(operations: &Value) -> String {
    json!({"Operations": operations}).to_string()
}

#[tokio::test]
async fn a_refused_request_changes_and_reveals_nothing() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let made = world.tenant_admin_of("globex");
    let made = made.post("/directories", new_directory()).await;
    let other = Provider::of(&made.expect(201).body);
    let (ada, eve) = (provider.user("ada").await, other.user("eve@secret").await);
    let group = json!({"displayName": "Sales", "members": [{"value": ada}]});
    let group = provider.post("/Groups", group).await.expect(201).id();
    let secret = other
        .post("/Groups", json!({"displayName": "Secret"}))
        .await;
    let secret = secret.expect(201).id();
    let (users, groups) = (format!("/Users/{ada}"), format!("/Groups/{group}"));
    let valid = json!({"op": "replace", "path": "displayName", "value": "New"});
    let adding = |id: &str| json!({"op": "add", "path": "members", "value": [{"value": id}]});
    let many = Value::Array(vec![valid.clone(); 10_000]);
    let itself = json!({"displayName": "Sales", "members": [{"value": group}]}).to_string();
    let large = json!({"userName": "a", "title": "x".repeat(1_000_000)}).to_string();
    let of_other = json!({"displayName": "New", "members": [{"value": eve}]}).to_string();
    let title = patch(&json!([valid]));
    let removing = json!({"op": "remove", "path": "userName"});
    for (method, path, body, status) in [
        ("POST", "/Users", large, 413),
        ("PATCH", &users, patch(&many), 400),
        ("PATCH", &groups, patch(&many), 400),
        // The first operation is valid.
        ("PATCH", &users, patch(&json!([valid, removing])), 400),
        (
            "PATCH",
            &groups,
            patch(&json!([valid, adding(&group)])),
            400,
        ),
        ("PATCH", &groups, patch(&json!([valid, adding(&eve)])), 400),
        (
            "PATCH",
            &groups,
            patch(&json!([valid, adding(&secret)])),
            400,
        ),
        ("PUT", &groups, itself, 400),
        ("PUT", &groups, of_other.clone(), 400),
        ("POST", "/Groups", of_other, 400),
        ("PATCH", &format!("/Users/{eve}"), title.clone(), 404),
        ("PATCH", &format!("/Groups/{secret}"), title.clone(), 404),
        ("DELETE", &format!("/Users/{eve}"), String::new(), 404),
        ("DELETE", &format!("/Groups/{secret}"), String::new(), 404),
        ("GET", &format!("/Users/{eve}"), String::new(), 404),
        ("GET", "/Users?filter=groups%20pr", String::new(), 400),
    ] {
        let before = world.items().await;
        for (token, status) in [
            (None, 401),
            (Some("mst_wrong"), 401),
            (Some(other.token.as_str()), 401),
            (Some(provider.token.as_str()), status),
        ] {
            let mut request = provider.request(method, path).body(body.clone());
            request = request.header("content-type", "application/scim+json");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
            assert_eq!(response.headers()["content-type"], "application/scim+json");
            let error: Value = response.json().await.unwrap();
            assert_eq!(error["status"], status.to_string(), "{method} {path}");
            let text = error.to_string();
            for hidden in ["secret", "Secret", "mst_", "globex", "TENANT"] {
                assert!(!text.contains(hidden), "{method} {path}: {text}");
            }
        }
        assert_eq!(world.items().await, before, "{method} {path}");
    }
}
