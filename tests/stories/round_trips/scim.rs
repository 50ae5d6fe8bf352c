//! The requests of SCIM to a directory with that many users, and a group that has them all.

use std::collections::HashMap;

use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Lines, World};

use super::rows_of;

const OPERATIONS: &str = r#"
SCIM: create user                  ; scim POST {base}/Users 201 {"userName": "new@acme.example", "externalId": "new", "emails": [{"value": "new@acme.example"}]} => user
  get user                         ; scim GET {base}/Users/{user_id} 200
  find user by userName            ; scim GET {base}/Users?filter=userName%20eq%20%22new@acme.example%22 200
  list users                       ; scim GET {base}/Users?count=5 200
  change user                      ; scim PATCH {base}/Users/{user_id} 200 {"Operations": [{"op": "replace", "path": "title", "value": "Dr"}]}
  deactivate user                  ; scim PATCH {base}/Users/{user_id} 200 {"Operations": [{"op": "replace", "path": "active", "value": false}]}
  activate user                    ; scim PATCH {base}/Users/{user_id} 200 {"Operations": [{"op": "replace", "path": "active", "value": true}]}
  deactivate a linked user         ; scim PATCH {base}/Users/{linked} 200 {"Operations": [{"op": "replace", "path": "active", "value": false}]}
  activate a linked user           ; scim PATCH {base}/Users/{linked} 200 {"Operations": [{"op": "replace", "path": "active", "value": true}]}
  create group                     ; scim POST {base}/Groups 201 {"displayName": "New"} => group
  find group by displayName        ; scim GET {base}/Groups?filter=displayName%20eq%20%22New%22&excludedAttributes=members 200
  add member                       ; scim PATCH {base}/Groups/{all} 204 {"Operations": [{"op": "add", "path": "members", "value": [{"value": "{user_id}"}]}]}
  remove member                    ; scim PATCH {base}/Groups/{all} 204 {"Operations": [{"op": "remove", "path": "members", "value": [{"value": "{user_id}"}]}]}
  remove a linked member           ; scim PATCH {base}/Groups/{all} 204 {"Operations": [{"op": "remove", "path": "members", "value": [{"value": "{linked}"}]}]}
  add a linked member              ; scim PATCH {base}/Groups/{all} 204 {"Operations": [{"op": "add", "path": "members", "value": [{"value": "{linked}"}]}]}
  rename group                     ; scim PATCH {base}/Groups/{group_id} 204 {"Operations": [{"op": "replace", "path": "displayName", "value": "Newer"}]}
  delete group                     ; scim DELETE {base}/Groups/{group_id} 204
  delete user                      ; scim DELETE {base}/Users/{user_id} 204
  with a wrong token               ; other GET {base}/Users/{linked} 401
"#;

/// A row for each request.
pub(super) async fn rows(many: usize) -> Vec<String> {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let root = world.tenant_admin();
    let directory =
        json!({"name": "Okta", "type": "scim", "settings": {"create_organizations": true}});
    let made = root.post("/directories", directory).await.expect(201).body;
    let id = made["id"].as_str().unwrap();
    let token = made["scim"]["token"].as_str().unwrap().to_owned();
    let provider = world.bearer("scim", Some(token));
    let base = format!("/scim/v2/{id}");
    let mut users = Vec::new();
    for n in 0..many {
        let user =
            json!({"userName": format!("user-{n:03}"), "externalId": format!("user-{n:03}")});
        let user = provider
            .post(&format!("{base}/Users"), user)
            .await
            .expect(201)
            .body;
        users.push(json!({"value": user["id"]}));
    }
    let linked = users[0]["value"].as_str().unwrap().to_owned();
    let all = json!({"displayName": "All", "members": users});
    let all = provider
        .post(&format!("{base}/Groups"), all)
        .await
        .expect(201)
        .body;
    let event = json!({"triggerSource": "PostAuthentication_Authentication", "response": {},
        "request": {"userAttributes": {"sub": "ada", "custom:tenant_id": ACME,
            "custom:entra_object_id": "user-000"}}});
    assert_eq!(world.invoke("post-login", &event).await, event);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut kept = HashMap::from([
        ("base".to_owned(), base),
        ("all".to_owned(), text(&all["id"])),
        ("linked".to_owned(), linked),
    ]);
    let actor = |who: &str| match who {
        "scim" => provider.clone(),
        _ => world.bearer("other", Some(format!("mst_{}", "A".repeat(43)))),
    };
    rows_of((&world, &lines), OPERATIONS, &mut kept, actor)
        .await
        .0
}
