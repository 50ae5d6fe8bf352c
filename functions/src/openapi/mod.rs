//! Generates the `OpenAPI` 3.1 document of the API from the code: the schemas from the types of
//! requests and responses, each operation from its endpoint, its texts from the endpoint's doc
//! comment.
//!
//! No deployed function contains it: the binaries do not refer to it, so the linker omits it.

mod answer;
mod events;
pub(crate) mod example;
mod headers;
mod object;
mod operation;
mod path_parameters;
mod problems;
mod schemas;
mod tags;

use muster::http::MAX_BODY_BYTES;
use serde_json::{Map, Value, json};

pub use operation::Operation;
pub(crate) use tags::tag_of;

use problems::Problems;
use schemas::Schemas;

/// The default URL of the API.
const SERVER: &str = "http://127.0.0.1:3000";

/// The document of these operations.
pub(crate) fn document(operations: impl IntoIterator<Item = Operation>) -> Value {
    let mut schemas = Schemas::default();
    let mut problems = Problems::default();
    let mut paths = Map::new();
    for operation in operations {
        let path = paths
            .entry(operation.path())
            .or_insert_with(|| json!({"parameters": operation.path_parameters(&mut schemas)}));
        if let Some(path) = path.as_object_mut() {
            path.insert(
                operation.method(),
                operation.to_json(&mut schemas, &mut problems),
            );
        }
    }
    events::ask(&mut schemas);
    let mut components = schemas.into_components();
    events::add_to(&mut components);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Organizations, memberships, roles and teams for multi-tenant SaaS.",
            "description": description(),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": SERVER, "description": "The local stack. In the cloud: the output ApiUrl of the deployed template."}],
        "security": [{"token": []}],
        "tags": tags::tags(),
        "paths": paths,
        "webhooks": events::webhooks(),
        "components": {
            "schemas": components,
            "headers": headers::components(),
            "responses": problems.into_components(),
            "examples": problems::examples(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the user pool. Its claims identify the caller: `sub` is the user, `tenant_id` (or `custom:tenant_id`) the tenant, and the group `tenant-admins` (or the one that `TENANT_ADMIN_GROUP` names) in `cognito:groups` makes a tenant admin.",
                },
            },
        },
    })
}

fn description() -> String {
    format!(
        "{}\n\nA body may have up to {MAX_BODY_BYTES} bytes.",
        include_str!("description.md").trim_end()
    )
}

#[cfg(test)]
mod tests;
