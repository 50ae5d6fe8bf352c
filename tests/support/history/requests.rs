//! Sends the model's requests over HTTP and reads the responses.

use muster::domain::{Role, Status};
use muster::http::Code;
use muster_model::requests::Request;
use muster_model::table::{Id, TENANT_ADMIN};
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::invitations::{Links, address, told};
use super::names::{NAMES, USERS};
use super::response::HistoryResponse;
use super::spec::{Operation, What};
use crate::{Actor, Reply, World};

/// The caller. A user's token has their verified address.
pub fn actor(world: &World, tenant: &str, id: Id) -> Actor {
    actor_with(world, tenant, id, false)
}

/// The caller of an operation. In the model a user who disables or enables users has the token of a tenant admin.
pub fn actor_of(world: &World, tenant: &str, operation: Operation) -> Actor {
    let is_tenant_admin = matches!(
        operation.what,
        What::Write(Request::Disable { .. } | Request::Enable { .. }, _)
    );
    actor_with(world, tenant, operation.caller, is_tenant_admin)
}

fn actor_with(world: &World, tenant: &str, id: Id, is_tenant_admin: bool) -> Actor {
    if id == TENANT_ADMIN {
        return world.tenant_admin_of(tenant);
    }
    let user = USERS[id];
    let claims = json!({
        "sub": user, "tenant_id": tenant, "email": address(id), "email_verified": true,
        "tenant_admin": is_tenant_admin,
    });
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    world.bearer(user, Some(token.expect("a token")))
}

/// The HTTP request of an operation on organizations with these ids, and on these invitations.
pub fn send(
    actor: Actor,
    operation: Operation,
    ids: &[Option<String>],
    links: &Links,
) -> impl Future<Output = Reply> + Send + 'static {
    let (method, path, body) = request(operation.what, ids, links);
    async move {
        let mut request = actor.request(method, &path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        if let Some(key) = operation.key {
            request = request.header("idempotency-key", format!("key-{key}"));
        }
        if let What::Write(_, Some(version)) = operation.what {
            request = request.header("if-match", format!("\"{version}\""));
        }
        actor.send(request).await
    }
}

fn request(what: What, ids: &[Option<String>], links: &Links) -> (Method, String, Option<Value>) {
    let organization = |id: Id| {
        let id = ids[id].as_deref().expect("its id is known");
        format!("/organizations/{id}")
    };
    let member = |id: Id, user: Id| format!("{}/members/{}", organization(id), USERS[user]);
    let write = match what {
        What::Organization(id) => return (Method::GET, organization(id), None),
        What::Member(id, user) => return (Method::GET, member(id, user), None),
        What::Invitation(request) => return links.request(request, ids),
        What::Write(request, _) => request,
    };
    match write {
        Request::Create { name, .. } => {
            let body = json!({"name": NAMES[name]});
            (Method::POST, "/organizations".to_owned(), Some(body))
        }
        Request::Rename {
            organization: id,
            name,
        } => {
            let body = json!({"name": NAMES[name]});
            (Method::PATCH, organization(id), Some(body))
        }
        Request::Delete { organization: id } => (Method::DELETE, organization(id), None),
        Request::Restore { organization: id } => {
            (Method::POST, format!("{}/restore", organization(id)), None)
        }
        Request::Add {
            organization: id,
            user,
            role,
            status,
        }
        | Request::AddAgain {
            organization: id,
            user,
            role,
            status,
        } => {
            let body = json!({
                "user_id": USERS[user], "role": role.as_str(), "status": status.as_str(),
            });
            (
                Method::POST,
                format!("{}/members", organization(id)),
                Some(body),
            )
        }
        Request::ChangeRole {
            organization: id,
            user,
            role,
        } => (
            Method::PATCH,
            member(id, user),
            Some(json!({"role": role.as_str()})),
        ),
        Request::ChangeStatus {
            organization: id,
            user,
            status,
        } => (
            Method::PUT,
            member(id, user),
            Some(json!({"status": status.as_str()})),
        ),
        Request::Remove {
            organization: id,
            user,
        } => (Method::DELETE, member(id, user), None),
        Request::Accept { organization: id } => (
            Method::POST,
            format!("{}/members/me/accept", organization(id)),
            None,
        ),
        Request::Transfer {
            organization: id,
            user,
            role,
        } => (
            Method::POST,
            format!("{}/transfer-ownership", organization(id)),
            Some(json!({"user_id": USERS[user], "keep_role": role.as_str()})),
        ),
        Request::Disable { user } => change_status(user, "disabled"),
        Request::Enable { user } => change_status(user, "enabled"),
        Request::Join { .. }
        | Request::Leave { .. }
        | Request::Suspend { .. }
        | Request::Invite { .. }
        | Request::Resend { .. }
        | Request::Revoke { .. }
        | Request::AcceptByEmail { .. }
        | Request::DeclineByEmail { .. } => {
            panic!("no request over HTTP: {write:?}")
        }
    }
}

fn change_status(user: Id, status: &str) -> (Method, String, Option<Value>) {
    let path = format!("/users/{}", USERS[user]);
    (Method::PATCH, path, Some(json!({"status": status})))
}

/// The response of an operation; `None` if it does not say whether the request was applied.
pub fn answer(reply: &Reply) -> Option<HistoryResponse> {
    let text = |name: &str| reply.body[name].as_str();
    if reply.status >= 400 {
        let code = text("code").expect("a code");
        reply.clone().any_problem();
        return match reply.status {
            429 | 503 => None,
            _ => Some(HistoryResponse::Problem(known(code))),
        };
    }
    if reply.body.get("send_count").is_some() {
        return Some(told(reply));
    }
    if reply.body.get("entra_object_id").is_some() {
        return Some(HistoryResponse::User {
            is_disabled: text("status") == Some("disabled"),
        });
    }
    let version = || u32::try_from(reply.body["version"].as_u64().unwrap()).unwrap();
    let is_new = reply.status == 201;
    Some(if reply.status == 204 {
        HistoryResponse::Gone
    } else if let Some(name) = text("name") {
        assert_eq!(text("status"), Some("active"), "{reply:?}");
        let name = NAMES.iter().position(|known| *known == name);
        HistoryResponse::Organization {
            name: name.expect("a name that was given"),
            version: version(),
            is_new,
        }
    } else {
        HistoryResponse::Membership {
            role: text("role").unwrap().parse::<Role>().unwrap(),
            status: text("status").unwrap().parse::<Status>().unwrap(),
            version: version(),
            is_new,
        }
    })
}

/// The `'static` copy of the code.
fn known(code: &str) -> &'static str {
    let mut all = Code::VARIANTS.iter().map(|code| code.as_str());
    all.find(|known| *known == code)
        .expect("a code of the contract")
}

/// The name of an operation.
pub fn name(what: What) -> &'static str {
    match what {
        What::Write(request, _) => request.into(),
        What::Organization(_) => "get organization",
        What::Member(..) => "get member",
        What::Invitation(request) => request.name(),
    }
}
