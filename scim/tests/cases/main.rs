//! Requests that servers in the wild answer wrongly. Each test has the number of its case in
//! the list of known faults. Cases that are not here concern the service, and are stories.

// All of this file is tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod groups;
mod lists;
mod patches;
mod responses;
mod users;

use muster_scim::*;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(more: Value) -> User {
    let mut body = json!({"userName": "jane@contoso.test"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    User::parse(&body).unwrap()
}

fn patch(operations: Value) -> PatchRequest {
    PatchRequest::parse(&json!({"Operations": operations})).unwrap()
}

fn patched(before: Value, operations: Value) -> Value {
    let user = patch(operations).apply_to_user(&user(before)).unwrap();
    Value::Object(user.attributes().clone())
}

fn group() -> Group {
    let body = json!({"displayName": "Sales", "externalId": "g"});
    GroupBody::parse(&body).unwrap().group
}

fn on_group(operations: Value) -> GroupPatched {
    patch(operations).apply_to_group(&group()).unwrap()
}

fn change(add: &[&str], remove: &[&str]) -> MembersChange {
    MembersChange::Some {
        add: members(add),
        remove: remove.iter().map(ToString::to_string).collect(),
    }
}

fn members(ids: &[&str]) -> Members {
    let ids = ids.iter().map(|id| (id.to_string(), MemberType::User));
    Members(ids.collect())
}

fn meta() -> Meta {
    Meta {
        location: "https://x.test/Users/1".to_owned(),
        created: "2026-11-29T00:00:00Z".to_owned(),
        last_modified: "2026-11-29T01:00:00Z".to_owned(),
        version: 7,
    }
}

fn shown(user: &User, attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let projection = Projection::parse(attributes, excluded).unwrap();
    user.render("1", None, &meta(), &projection)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<ScimType> {
    result.unwrap_err().scim_type
}
