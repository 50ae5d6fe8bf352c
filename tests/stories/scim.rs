//! Directories that an identity provider writes by SCIM 2.0.

mod access;
pub(crate) mod client;
mod effect;
mod histories;
mod large;
mod limits;
mod linking;
mod lists;
mod live;
mod newer_settings;
mod refusals;
mod resumption;
pub(crate) mod seed;
mod service;
mod settings;
mod storage;
mod suites;
mod tester;
mod tokens;
mod versions;

use muster::domain::{Actor, DirectoryId, EventContext, Origin, ScimScope, TenantId};
use serde_json::{Value, json};
use support::{ACME, World};

/// The request that creates a directory of type `scim`.
pub(crate) fn new_directory() -> Value {
    json!({"name": "Okta", "type": "scim"})
}

/// Creates the directory of [`ACME`]. Returns its scope, and the response.
pub(crate) async fn created(world: &World) -> (ScimScope, Value) {
    let root = world.tenant_admin();
    let made = root.post("/directories", new_directory()).await.expect(201);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let scope = ScimScope {
        tenant_id: TenantId::parse(ACME).unwrap(),
        directory_id: DirectoryId::parse(id).unwrap(),
    };
    (scope, made.body)
}

/// The origin of the writes of an identity provider.
fn origin(scope: &ScimScope) -> Origin {
    Origin::new(
        Actor::scim(&scope.directory_id),
        EventContext {
            request_id: "r-1".to_owned(),
            operation: "scim".to_owned(),
            ..EventContext::default()
        },
    )
}

/// Finishes what requests left unfinished, as a message of the queue does.
async fn take_up(world: &World, scope: &ScimScope) {
    let task = json!({"tenant_id": scope.tenant_id, "directory_id": scope.directory_id});
    let batch = json!({"Records": [{"messageId": "m-1", "body": task.to_string()}]});
    let done = world.invoke("reconcile-directory", &batch).await;
    assert_eq!(done, json!({"batchItemFailures": []}));
}
