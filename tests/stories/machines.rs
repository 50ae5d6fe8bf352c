//! Machine callers: backends that call the API for a tenant.

use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, Actor, World};

/// A caller with these claims.
fn with_claims(world: &World, claims: Value) -> Actor {
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    world.bearer("anyone", Some(token.unwrap()))
}

/// The claims of a machine, as Cognito makes them.
fn machine() -> Value {
    json!({"sub": "billing", "client_id": "billing", "scope": "muster/platform"})
}

#[tokio::test]
async fn a_machine_manages_the_tenant_that_it_names() {
    let (world, _, id) = World::acme().await;
    let (acme, globex) = (world.machine_of(ACME), world.machine_of("globex"));
    let organization = format!("/organizations/{id}");
    let eve = json!({"email": "eve@acme.example"});
    acme.put("/users/eve", eve).await.expect(201);
    let eve = json!({"user_id": "eve", "role": "admin", "status": "active"});
    acme.post(&format!("{organization}/members"), eve)
        .await
        .expect(201);
    acme.get(&organization).await.expect(200);
    let listed = acme.get("/organizations").await.expect(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);

    globex.get(&organization).await.problem(404, "not-found");
    globex.get("/users/eve").await.problem(404, "not-found");
    let listed = globex.get("/organizations").await.expect(200);
    assert_eq!(listed.body["items"], json!([]));
}

#[tokio::test]
async fn the_events_of_a_machine_name_it() {
    let world = World::start().await;
    let machine = world.machine_of(ACME);
    machine.put("/users/bob", json!({})).await.expect(201);
    let events = world.tenant_admin().get("/events").await.expect(200);
    let actor = &events.body["items"][0]["actor"];
    assert_eq!(*actor, json!({"type": "machine", "id": "billing-backend"}));
}

#[tokio::test]
async fn a_machine_creates_an_organization_for_an_owner() {
    let world = World::start().await;
    let machine = world.machine_of(ACME);
    let body = json!({"name": "Rockets", "owner_user_id": "bob"});
    let before = world.everything().await;
    let refused = machine.post("/organizations", body.clone()).await;
    refused.problem(422, "unknown-user");
    assert_eq!(world.everything().await, before);

    world.register(&["bob"]).await;
    let made = machine.post("/organizations", body).await.expect(201);
    assert_eq!(made.body["created_by"], "billing-backend");
    let path = made.headers["location"].clone();
    let members = world.user("bob").get(&format!("{path}/members")).await;
    let members = members.expect(200).body["items"].clone();
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(
        (&members[0]["user_id"], &members[0]["role"]),
        (&json!("bob"), &json!("owner"))
    );
}

#[tokio::test]
async fn a_machine_becomes_no_member_of_what_it_creates() {
    let world = World::start().await;
    world.register(&["bob"]).await;
    let machine = world.machine_of(ACME);
    let made = machine
        .post("/organizations", json!({"name": "Rockets"}))
        .await;
    let path = made.expect(201).headers["location"].clone();
    let members = format!("{path}/members");
    let listed = machine.get(&members).await.expect(200);
    assert_eq!(listed.body["items"], json!([]));
    machine
        .get("/users/billing-backend")
        .await
        .problem(404, "not-found");
    // Once it has an owner, it keeps one.
    let bob = json!({"user_id": "bob", "role": "owner", "status": "active"});
    machine.post(&members, bob).await.expect(201);
    let removed = machine.delete(&format!("{members}/bob")).await;
    removed.problem(409, "last-owner");
}

#[tokio::test]
async fn only_tenant_admins_choose_another_owner() {
    let world = World::start().await;
    world.register(&["ada", "bob"]).await;
    let before = world.everything().await;
    let for_bob = json!({"name": "Rockets", "owner_user_id": "bob"});
    let refused = world
        .user("ada")
        .post("/organizations", for_bob.clone())
        .await;
    refused.problem(403, "forbidden");
    assert_eq!(world.everything().await, before);
    let own = json!({"name": "Ada's", "owner_user_id": "ada"});
    world
        .user("ada")
        .post("/organizations", own)
        .await
        .expect(201);
    let made = world.tenant_admin().post("/organizations", for_bob).await;
    let path = made.expect(201).headers["location"].clone();
    world.user("bob").get(&path).await.expect(200);
}

#[tokio::test]
async fn the_header_on_the_token_of_a_user_is_refused() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    let with_scope = json!({
        "sub": "ada", "tenant_id": ACME, "username": "ada",
        "client_id": "front-end", "scope": "openid muster/platform",
    });
    let as_client = json!({
        "sub": "front-end", "username": "front-end",
        "client_id": "front-end", "scope": "muster/platform",
    });
    for user in [
        ada,
        world.tenant_admin(),
        with_claims(&world, with_scope),
        with_claims(&world, as_client),
    ] {
        for tenant in [ACME, "globex", ""] {
            let user = user.clone().of_tenant(tenant);
            let reply = user.get(&format!("/organizations/{id}")).await;
            let problem = reply.problem(400, "validation-failed");
            assert_eq!(problem.body["errors"][0]["pointer"], "/muster-tenant");
            let made = user.post("/organizations", json!({"name": "X"})).await;
            made.problem(400, "validation-failed");
        }
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_machine_without_a_valid_tenant_is_refused() {
    let world = World::start().await;
    let machine = with_claims(&world, machine());
    let reply = machine.get("/organizations").await;
    let problem = reply.problem(400, "validation-failed");
    let errors = &problem.body["errors"];
    assert_eq!(errors[0]["pointer"], "/muster-tenant");
    assert!(
        errors[0]["detail"].as_str().unwrap().contains("required"),
        "{errors}"
    );
    let long = "x".repeat(129);
    for tenant in ["", "a b", "a#b", "a/b", long.as_str()] {
        let reply = machine
            .clone()
            .of_tenant(tenant)
            .get("/organizations")
            .await;
        reply.problem(400, "validation-failed");
    }
    // Two tenants in one request.
    let twice = machine.request(Method::GET, "/organizations");
    let twice = twice
        .header("muster-tenant", ACME)
        .header("muster-tenant", "globex");
    machine.send(twice).await.problem(400, "validation-failed");
}

#[tokio::test]
async fn the_token_of_a_machine_needs_the_scope_and_no_user() {
    let world = World::start().await;
    let changed = |claim: &str, value: Value| {
        let mut claims = machine();
        claims[claim] = value;
        claims
    };
    for claims in [
        changed("scope", json!("muster")),
        changed("scope", json!("muster/platform2")),
        changed("scope", json!("other/muster/platform")),
        changed("scope", Value::Null),
        changed("sub", json!("somebody-else")),
        changed("username", json!("billing")),
        changed("cognito:username", json!("billing")),
    ] {
        let caller = with_claims(&world, claims.clone());
        caller.get("/organizations").await.problem(403, "no-tenant");
    }
    // The tenant in a token makes it the token of a user.
    let of_tenant = with_claims(&world, changed("tenant_id", json!(ACME)));
    of_tenant
        .get("/organizations")
        .await
        .problem(403, "forbidden");
    let scopes = changed("scope", json!("openid muster/platform other/x"));
    let machine = with_claims(&world, scopes).of_tenant(ACME);
    machine.get("/organizations").await.expect(200);
}
