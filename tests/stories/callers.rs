//! How a token determines the caller.

use serde_json::{Value, json};
use support::{ACME, Actor, World};

/// A user with these claims.
fn with_claims(world: &World, claims: Value) -> Actor {
    let id = claims["sub"].as_str().unwrap_or_default().to_owned();
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    world.bearer(&id, Some(token.unwrap()))
}

#[tokio::test]
async fn a_group_containing_the_admin_group_name_does_not_count() {
    let (world, _, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    for groups in [
        vec!["friends of tenant-admins"],
        vec!["tenant-admins of acme"],
        vec!["a", "friends of tenant-admins"],
        vec!["TENANT-ADMINS"],
        vec!["[tenant-admins"],
    ] {
        let eve = world.actor(ACME, "eve", &groups);
        eve.get("/organizations").await.problem(403, "forbidden");
        eve.delete(&organization).await.problem(404, "not-found");
    }
    let admin = world.actor(ACME, "root", &["tenant-admins"]);
    admin.get("/organizations").await.expect(200);
}

#[tokio::test]
async fn the_claim_tenant_admin_grants_tenant_admin() {
    let world = World::start().await;
    for (claim, status) in [
        (json!(true), 200),
        (json!("true"), 200),
        (json!(false), 403),
        (json!("yes"), 403),
        (json!(["true"]), 403),
        (json!({"true": true}), 403),
    ] {
        let claims = json!({"sub": "ada", "tenant_id": ACME, "tenant_admin": claim});
        let reply = with_claims(&world, claims).get("/organizations").await;
        assert_eq!(reply.status, status, "{claim}");
    }
}

#[tokio::test]
async fn invalid_claims_return_403_with_the_reason() {
    let world = World::start().await;
    for sub in ["me", "", "ä", "a\nb", &"x".repeat(256)] {
        let claims = json!({"sub": sub, "tenant_id": ACME});
        let reply = with_claims(&world, claims).get("/users/me").await;
        let problem = reply.problem(403, "unusable-subject");
        let detail = problem.body["detail"].as_str().unwrap();
        assert!(detail.contains("sub") && detail.contains("255"), "{detail}");
    }
    for (claims, named) in [
        (json!({"sub": "ada"}), "tenant_id"),
        (json!({"sub": "ada", "tenant_id": "a b"}), "tenant_id"),
        (
            json!({"sub": "ada", "custom:tenant_id": "a/b"}),
            "custom:tenant_id",
        ),
    ] {
        let reply = with_claims(&world, claims).get("/users/me").await;
        let problem = reply.problem(403, "no-tenant");
        let detail = problem.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{detail}");
    }
}

#[tokio::test]
async fn me_is_not_a_user_id_anywhere() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let before = world.everything().await;
    let members = format!("/organizations/{id}/members");
    let body = json!({"user_id": "me"});
    ada.post(&members, body.clone())
        .await
        .problem(400, "validation-failed");
    let team = world.team(Some(&id), "T", &[]).await;
    ada.post(&format!("{team}/members"), body)
        .await
        .problem(400, "validation-failed");
    ada.delete(&team).await.expect(204);
    // `~bWU` is `me` in Base64.
    for path in [format!("{members}/~bWU"), "/users/~bWU".to_owned()] {
        root.get(&path).await.problem(400, "validation-failed");
    }
    root.put("/users/~bWU", json!({}))
        .await
        .problem(400, "validation-failed");
    let after = world.everything().await;
    // The team's creation and its deletion are in the audit log.
    assert_eq!(before.len() + 2, after.len());
}

/// Emulators and hand-written events have `null` where API Gateway omits a field.
#[tokio::test]
async fn parts_of_an_event_that_are_null_are_absent() {
    let world = World::start().await;
    let nobody = world.bearer("", None);
    let invoke = "/2015-03-31/functions/list-organizations/invocations";
    let admin = json!({"jwt": {"claims": {"sub": "root", "tenant_id": ACME, "tenant_admin": "true"}, "scopes": null}});
    for (authorizer, status) in [
        (Value::Null, 401),
        (json!({"jwt": null}), 401),
        (json!({"jwt": {"claims": null}}), 401),
        (admin, 200),
    ] {
        let event = json!({
            "version": "2.0", "routeKey": "GET /organizations", "rawPath": null, "rawQueryString": null, "cookies": null,
            "headers": null, "queryStringParameters": null, "pathParameters": null, "stageVariables": null,
            "body": null, "isBase64Encoded": null,
            "requestContext": {"requestId": null, "authorizer": authorizer},
        });
        let answer = nobody.post(invoke, event).await.expect(200).body;
        assert_eq!(answer["statusCode"], status, "{answer}");
    }
}
