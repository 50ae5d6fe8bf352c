//! `GET /_local/scim/{tenant_id}/{directory_id}`: what the identity provider of a directory of type `scim` has sent, for
//! the page. The API does not return it: it is for the identity provider, with the token of the directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use muster::domain::{DirectoryId, ScimGroup, ScimMember, ScimScope, ScimUser, TenantId};
use muster::store::{Error, ScimPage, Store};
use serde_json::{Value, json};

/// Number of users and of groups that are shown.
const SHOWN: usize = 200;
/// Number of members of a group that are shown.
const SHOWN_MEMBERS: usize = 20;

/// The users and groups of a directory.
pub(super) async fn directory(
    State(store): State<Arc<Store>>,
    Path((tenant, directory)): Path<(String, String)>,
) -> Response {
    let (Ok(tenant_id), Ok(directory_id)) =
        (TenantId::parse(tenant), DirectoryId::parse(directory))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let scope = ScimScope {
        tenant_id,
        directory_id,
    };
    match content(&store, &scope).await {
        Ok(content) => Json(content).into_response(),
        Err(error) => {
            let message = json!({"detail": error.to_string()});
            (StatusCode::INTERNAL_SERVER_ERROR, Json(message)).into_response()
        }
    }
}

async fn content(store: &Store, scope: &ScimScope) -> Result<Value, Error> {
    let mut users = store.scim_users_page(scope, 0, SHOWN).await?;
    let mut groups = store.scim_groups_page(scope, 0, SHOWN).await?;
    users
        .items
        .sort_by(|one, other| one.user_name.cmp(&other.user_name));
    groups
        .items
        .sort_by(|one, other| one.name_key.cmp(&other.name_key));
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    names.extend(users.items.iter().map(|it| (it.id.as_str(), name_of(it))));
    names.extend(
        groups
            .items
            .iter()
            .map(|it| (it.id.as_str(), it.name.as_str())),
    );
    let mut shown = Vec::new();
    for group in &groups.items {
        let members = store.scim_members(scope, &group.id).await?;
        let name = |member: &ScimMember| {
            let id = member.id();
            names.get(id).copied().unwrap_or(id).to_owned()
        };
        let mut some: Vec<_> = members.iter().take(SHOWN_MEMBERS).map(name).collect();
        some.sort();
        shown.push(shown_group(group, members.len(), &some));
    }
    let ScimPage { total, items } = &users;
    Ok(json!({
        "users": {"total": total, "items": items.iter().map(shown_user).collect::<Vec<_>>()},
        "groups": {"total": groups.total, "items": shown},
    }))
}

/// The login name as it was sent.
fn name_of(user: &ScimUser) -> &str {
    let sent = user.attributes.get("userName").and_then(Value::as_str);
    sent.unwrap_or(&user.user_name)
}

fn shown_user(user: &ScimUser) -> Value {
    json!({
        "id": user.id,
        "user_name": name_of(user),
        "active": user.is_active,
        "user_id": user.user_id,
    })
}

fn shown_group(group: &ScimGroup, count: usize, members: &[String]) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "member_count": count,
        "members": members,
    })
}
