//! The requests of SCIM to a directory with that many users, and a group that has them all, and with others beside them.

use std::collections::HashMap;

use muster::domain::{DirectoryId, ScimScope, TenantId};
use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Lines, World};

use super::{Measured, measured_by};
use crate::scim::client::Provider;
use crate::scim::seed::seed;

const OPERATIONS: &str = r#"
SCIM: create user                  ; scim POST {base}/Users 201 {"userName": "new@acme.example", "externalId": "new", "emails": [{"value": "new@acme.example"}]} => user
  get user                         ; scim GET {base}/Users/{user_id} 200
  find user by userName            ; scim GET {base}/Users?filter=userName%20eq%20%22new@acme.example%22 200
  find user by externalId          ; scim GET {base}/Users?filter=externalId%20eq%20%22new%22 200
  find user by an address          ; scim GET {base}/Users?filter=emails.value%20eq%20%22new@acme.example%22 200
  list users without groups        ; scim GET {base}/Users?count=5&excludedAttributes=groups 200
  list from the middle             ; scim GET {base}/Users?count=5&startIndex={middle}&excludedAttributes=groups 200
  change user                      ; scim PATCH {base}/Users/{user_id} 200 {"Operations": [{"op": "replace", "path": "title", "value": "Dr"}]}
  change userName                  ; scim PATCH {base}/Users/{user_id} 200 {"Operations": [{"op": "replace", "path": "userName", "value": "newer@acme.example"}]}
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

/// The requests to a directory that has as many more users as `beside` says.
pub(crate) async fn measured(many: usize, beside: usize) -> Measured {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let root = world.tenant_admin();
    let directory =
        json!({"name": "Okta", "type": "scim", "settings": {"create_organizations": true}});
    let made = root.post("/directories", directory).await.expect(201).body;
    let scope = ScimScope {
        tenant_id: TenantId::parse(ACME).unwrap(),
        directory_id: DirectoryId::parse(made["id"].as_str().unwrap()).unwrap(),
    };
    if beside > 0 {
        seed(&world, &Provider::of(&made), &scope, beside).await;
    }
    let token = made["scim"]["token"].as_str().unwrap().to_owned();
    let provider = world.bearer("scim", Some(token));
    let base = format!("/scim/v2/{}", scope.directory_id);
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
        (
            "middle".to_owned(),
            usize::midpoint(many, beside).to_string(),
        ),
    ]);
    let actor = |who: &str| match who {
        "scim" => provider.clone(),
        _ => world.bearer("other", Some(format!("mst_{}", "A".repeat(43)))),
    };
    measured_by((&world, &lines), OPERATIONS, &mut kept, actor).await
}
