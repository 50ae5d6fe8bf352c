//! Every error of the contract: how it occurs, and its content.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::Clock;
use muster::http::Code;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Map, Value, json};
use support::{ACME, Actor, Fault, Faults, Reply, World};

use crate::email_invitations::{token, verified};

#[tokio::test]
async fn every_problem_code_has_its_status_and_members() {
    let mut shown = Vec::new();
    for code in Code::ALL {
        let (status, reply) = provoke(code).await;
        let reply = reply.problem(status, code.as_str());
        // Paths and texts are for people; their presence is checked above.
        shown.push(format!(
            "{} {} {}",
            reply.status,
            code.as_str(),
            reply.body["title"].as_str().unwrap()
        ));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

/// The documented status of a code, and a response with it. Each code needs an arm, or this does
/// not compile.
#[expect(clippy::too_many_lines, reason = "one request for each code")]
async fn provoke(code: Code) -> (u16, Reply) {
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

#[tokio::test]
async fn all_violations_are_returned_with_json_pointers() {
    let world = World::start().await;
    let ada = world.user("ada");
    let wrong = json!({
        "name": "  ",
        "domain": "nodot",
        "billing_email": "ada",
        "billing_address": 7,
        "stripe_customer_id": "sub_1",
        "metadata": [],
        "limits": {
            "models": ["a", 1],
            "max_budget": -1,
            "budget_duration": "soon",
            "tpm_limit": 1.5,
            "rpm_limit": "many",
            "more/~": null,
        },
        "spend": 5,
        "id": "mine",
    });
    let reply = ada.post("/organizations", wrong.clone()).await;
    let found = pointers(&reply.problem(400, "validation-failed"));
    let mut expected = vec![
        "/billing_address",
        "/billing_email",
        "/domain",
        "/id",
        "/limits/budget_duration",
        "/limits/max_budget",
        "/limits/models",
        "/limits/more~1~0",
        "/limits/rpm_limit",
        "/limits/tpm_limit",
        "/metadata",
        "/name",
        "/spend",
        "/stripe_customer_id",
    ];
    assert_eq!(found, expected);

    let id = world.organization(&ada, "Acme").await;
    let organization = format!("/organizations/{id}");
    for reply in [
        ada.patch(&organization, wrong.clone()).await,
        ada.put(&organization, wrong).await,
    ] {
        assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);
    }

    let members = format!("{organization}/members");
    let wrong = json!({"user_id": "ä", "role": "god", "status": "suspended", "source": "entra"});
    let reply = ada.post(&members, wrong.clone()).await;
    expected = vec!["/role", "/source", "/status", "/user_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);
    let reply = ada.post(&members, json!({})).await;
    assert_eq!(
        pointers(&reply.problem(400, "validation-failed")),
        ["/user_id"]
    );

    let wrong = json!({"role": null, "status": "gone", "user_id": "bob"});
    let reply = ada.patch(&format!("{members}/ada"), wrong).await;
    expected = vec!["/role", "/status", "/user_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);

    let wrong = json!({"email": "x", "display_name": "", "entra_object_id": "/", "tenant_id": "t"});
    let reply = world.tenant_admin().put("/users/bob", wrong).await;
    expected = vec!["/display_name", "/email", "/entra_object_id", "/tenant_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);

    for action in ["restore", "members/ada/accept"] {
        let reply = ada
            .post(&format!("{organization}/{action}"), json!({"a": 1}))
            .await;
        assert_eq!(pointers(&reply.problem(400, "validation-failed")), ["/a"]);
    }
}

fn pointers(reply: &Reply) -> Vec<String> {
    let errors = reply.body["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect();
    pointers.sort();
    pointers
}

#[tokio::test]
async fn a_problem_contains_the_path_and_the_request_id() {
    let world = World::start().await;
    let ada = world.user("ada");
    for (asked, instance) in [
        ("/organizations/none?limit=1", "/organizations/none"),
        ("/organizations/a%20b", "/organizations/a%20b"),
        ("/organizations/caf%C3%A9", "/organizations/caf%C3%A9"),
        ("/organizations/50%25", "/organizations/50%25"),
        ("/organizations/a%23b", "/organizations/a%23b"),
        ("/nothing/a%20b", "/nothing/a%20b"),
    ] {
        let reply = ada.get(asked).await.any_problem();
        assert_eq!(reply.body["instance"], instance);
    }
    let (one, two) = (
        ada.get("/organizations").await,
        ada.get("/organizations").await,
    );
    assert_ne!(one.body["request_id"], two.body["request_id"]);
}

#[tokio::test]
async fn requests_without_an_authorizer_return_401() {
    let world = World::start().await;
    let nobody = world.bearer("", None);
    for (context, status, code) in [
        (json!({}), 401, "unauthenticated"),
        (json!({"authorizer": {}}), 401, "unauthenticated"),
        (
            json!({"authorizer": {"lambda": {"sub": "ada"}}}),
            401,
            "unauthenticated",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {}}}}),
            401,
            "unauthenticated",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "me", "tenant_id": "t"}}}}),
            403,
            "unusable-subject",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "ada"}}}}),
            403,
            "no-tenant",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "ada", "tenant_id": "a#b"}}}}),
            403,
            "no-tenant",
        ),
    ] {
        let event = json!({
            "routeKey": "GET /organizations",
            "rawPath": "/organizations",
            "headers": {"tenant_id": "acme", "sub": "ada", "authorization": "Bearer x.y.z"},
            "requestContext": context,
        });
        let invoke = "/2015-03-31/functions/list-organizations/invocations";
        let answer = nobody.post(invoke, event).await.expect(200).body;
        assert_eq!(answer["statusCode"], status, "{context}");
        assert!(answer["body"].as_str().unwrap().contains(code), "{answer}");
    }
    assert_eq!(world.calls.take(), []);
}
