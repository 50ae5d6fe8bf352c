//! One request for each error of the contract.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::Clock;
use muster::http::Code;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Map, Value, json};
use support::{ACME, Actor, Fault, Faults, Reply, World};

use crate::invitations::by_email::{token, verified};

/// The documented status of a code, and a response with it. Each code needs an arm, or this does
/// not compile.
#[expect(clippy::too_many_lines, reason = "one request for each code")]
pub(super) async fn provoke(code: Code) -> (u16, Reply) {
    match code {
        Code::Throttled => return (429, failing(Fault::Throttle).await),
        Code::Unavailable => return (503, failing(Fault::Failure(500)).await),
        Code::Conflict => return (409, conflict().await),
        _ => {}
    }
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    match code {
        Code::Unauthenticated => (401, world.bearer("ada", None).get("/organizations").await),
        Code::NoTenant => (403, with_claims(&world, json!({"sub": "ada"})).await),
        Code::UnusableSubject => {
            let claims = json!({"sub": "me", "tenant_id": ACME});
            (403, with_claims(&world, claims).await)
        }
        Code::UserDisabled => {
            world.register(&["ada"]).await;
            let disabled = json!({"status": "disabled"});
            world
                .tenant_admin()
                .patch("/users/ada", disabled)
                .await
                .expect(200);
            (403, ada.get(&organization).await)
        }
        Code::Forbidden => (403, ada.get("/organizations").await),
        Code::NotFound => (404, ada.get("/organizations/none").await),
        Code::ValidationFailed => (400, ada.post("/organizations", json!({})).await),
        Code::InvalidJson => (400, text(&ada, "application/json", "{").await),
        Code::UnsupportedMediaType => (415, text(&ada, "text/plain", "{}").await),
        Code::BodyTooLarge => {
            let body = " ".repeat(65_537);
            (413, text(&ada, "application/json", &body).await)
        }
        Code::InvalidCursor => (400, ada.get(&format!("{members}?cursor=x")).await),
        Code::NameTaken => (
            409,
            ada.post("/organizations", json!({"name": "ACME"})).await,
        ),
        Code::AlreadyMember => {
            world.member(&id, "bob", "member", "active").await;
            let body = json!({"user_id": "bob", "role": "admin"});
            (409, ada.post(&members, body).await)
        }
        Code::AlreadyInvited | Code::SentRecently => {
            let invitations = format!("{organization}/invitations");
            let body = |role| json!({"email": "bob@acme.example", "role": role});
            let made = ada.post(&invitations, body("member")).await.expect(201);
            if code == Code::AlreadyInvited {
                (409, ada.post(&invitations, body("readonly")).await)
            } else {
                let resend = format!("{}/resend", made.headers["location"]);
                (429, ada.post_empty(&resend).await)
            }
        }
        Code::LastOwner => (409, ada.delete(&format!("{members}/ada")).await),
        Code::DirectoryManaged => {
            world.member(&id, "bob", "member", "active").await;
            let (pk, sk) = ("TENANT#acme#USER#bob", format!("ORG#{id}"));
            let entra = AttributeValue::S("entra".to_owned());
            world.tamper(pk, &sk, "source", entra).await;
            (409, ada.delete(&format!("{members}/bob")).await)
        }
        Code::UnknownUser => (422, ada.post(&members, json!({"user_id": "eve"})).await),
        Code::NotAnOrganizationMember => {
            let teams = format!("{organization}/teams");
            let made = ada.post(&teams, json!({"name": "T"})).await.expect(201);
            world.register(&["eve"]).await;
            let members = format!("{}/members", made.headers["location"]);
            (422, ada.post(&members, json!({"user_id": "eve"})).await)
        }
        Code::BudgetExceedsOrganization => {
            let limits = |budget| json!({"name": "T", "limits": {"max_budget": budget}});
            ada.patch(&organization, limits(1.0)).await.expect(200);
            let teams = format!("{organization}/teams");
            (422, ada.post(&teams, limits(1.5)).await)
        }
        Code::InvitationNotPending => {
            let bob = world.member(&id, "bob", "member", "suspended").await;
            (403, bob.post_empty(&format!("{members}/bob/accept")).await)
        }
        Code::EmailNotVerified | Code::InvitationForAnotherAddress => {
            let body = json!({"email": "bob@acme.example"});
            let invitations = format!("{organization}/invitations");
            let made = ada.post(&invitations, body).await.expect(201);
            if code == Code::InvitationForAnotherAddress {
                verified(&world, "bob", "eve@acme.example").await;
            }
            let body = json!({"token": token(&made)});
            (
                403,
                world.user("bob").post("/invitations/accept", body).await,
            )
        }
        Code::InvitationNotValid => (409, without_inviter(&world, &id).await),
        Code::InvitationPending => {
            world.member(&id, "bob", "member", "invited").await;
            let suspend = json!({"status": "suspended"});
            (422, ada.patch(&format!("{members}/bob"), suspend).await)
        }
        Code::IdempotencyMismatch => {
            let path = "/organizations";
            ada.post_once(path, "k", json!({"name": "B"}))
                .await
                .expect(201);
            (422, ada.post_once(path, "k", json!({"name": "C"})).await)
        }
        Code::VersionMismatch => {
            let request = ada.request(Method::PATCH, &organization);
            let request = request
                .header("if-match", "\"9\"")
                .json(&json!({"name": "B"}));
            (412, ada.send(request).await)
        }
        Code::LimitReached => {
            let root = world.tenant_admin();
            let body = json!({"url": "https://hooks.example/", "event_types": ["*"]});
            for _ in 0..20 {
                let made = root.post("/webhook-endpoints", body.clone()).await;
                made.expect(201);
            }
            (409, root.post("/webhook-endpoints", body).await)
        }
        Code::EndpointDisabled => {
            let root = world.tenant_admin();
            let body = json!({"url": "https://hooks.example/", "event_types": ["*"]});
            let made = root.post("/webhook-endpoints", body).await.expect(201);
            let path = &made.headers["location"];
            let disable = json!({"status": "disabled"});
            root.patch(path, disable).await.expect(200);
            let range =
                json!({"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z"});
            (409, root.post(&format!("{path}/replay"), range).await)
        }
        Code::DomainTaken => {
            crate::domains::verified(&world, &ada, &id, "acme.example").await;
            let other = world.organization(&ada, "Other").await;
            let body = json!({"domain": "acme.example"});
            (
                409,
                ada.post(&format!("/organizations/{other}/domains"), body)
                    .await,
            )
        }
        Code::DirectoryTaken => {
            let owned = crate::directories::new_directory(&json!({}));
            for (tenant, status) in [("globex", 201), (ACME, 409)] {
                crate::directories::organization_with_domain(&world, tenant, "globex.example")
                    .await;
                let root = world.tenant_admin_of(tenant);
                let reply = root.post("/directories", owned.clone()).await;
                if status == 409 {
                    return (409, reply);
                }
                reply.expect(status);
            }
            (409, ada.get("/directories").await)
        }
        Code::DomainNotVerified => {
            let domains = format!("{organization}/domains");
            let body = json!({"domain": "acme.example"});
            ada.post(&domains, body).await.expect(201);
            let on = json!({"auto_join": true});
            (409, ada.patch(&format!("{domains}/acme.example"), on).await)
        }
        Code::Internal => {
            let pk = format!("TENANT#{ACME}#ORG#{id}");
            let broken = AttributeValue::S("{".to_owned());
            world.tamper(&pk, "ORG", "metadata", broken).await;
            (500, ada.get(&organization).await)
        }
        Code::Throttled | Code::Unavailable | Code::Conflict => {
            panic!("{code:?} has no test here")
        }
    }
}

/// The response to a token with exactly these claims.
async fn with_claims(world: &World, claims: Value) -> Reply {
    let claims: Map<String, Value> = serde_json::from_value(claims).unwrap();
    let token = world.stack.token_with(claims).unwrap();
    let caller = world.bearer("ada", Some(token));
    caller.get("/users/me").await
}

/// Accepts an invitation whose inviter is no longer a member.
async fn without_inviter(world: &World, id: &str) -> Reply {
    let members = format!("/organizations/{id}/members");
    let bob = world.member(id, "bob", "admin", "active").await;
    world.register(&["cy"]).await;
    let cy = json!({"user_id": "cy"});
    bob.post(&members, cy).await.expect(201);
    bob.delete(&format!("{members}/me")).await.expect(204);
    let cy = world.user("cy");
    cy.post_empty(&format!("{members}/me/accept")).await
}

async fn text(actor: &Actor, kind: &str, body: &str) -> Reply {
    let request = actor.request(Method::POST, "/organizations");
    let request = request.header("content-type", kind).body(body.to_owned());
    actor.send(request).await
}

/// A read of a table with this permanent fault.
async fn failing(fault: Fault) -> Reply {
    let (world, faults) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    faults.always("BatchGetItem", fault);
    ada.get(&format!("/organizations/{id}")).await
}

/// A new organization with an id that exists already, which otherwise happens only by chance.
async fn conflict() -> Reply {
    let again: Arc<OnceLock<String>> = Arc::default();
    let (machine, given) = (Clock::system(), Arc::clone(&again));
    let options = Options {
        clock: Clock::from_fn(move || {
            let id = given.get().map(|id| id.parse().unwrap());
            (machine.now(), id.unwrap_or_else(|| machine.new_id()))
        }),
        ..Options::default()
    };
    let world = World::with(options).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    again.set(id).unwrap();
    ada.post("/organizations", json!({"name": "Other"})).await
}
