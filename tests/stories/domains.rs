//! Domains of organizations: adding, verifying, changing and removing them.

pub(crate) mod auto_join;
mod histories;
mod ownership;
mod recheck;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Reply, World, invariants, statuses};

/// Sets these TXT records of domains, and removes all others.
pub(crate) async fn publish(world: &World, records: &[(&str, &str)]) {
    let records: serde_json::Map<_, _> = records
        .iter()
        .map(|(domain, value)| (format!("_muster-challenge.{domain}"), json!([value])))
        .collect();
    set_records(world, &Value::Object(records)).await;
}

async fn set_records(world: &World, records: &Value) {
    let url = format!("{}/_local/dns", world.stack.url());
    let sent = reqwest::Client::new().put(url).json(records).send().await;
    assert_eq!(sent.unwrap().status(), 200);
}

fn domains(id: &str) -> String {
    format!("/organizations/{id}/domains")
}

fn verify(id: &str, domain: &str) -> String {
    format!("{}/{domain}/verify", domains(id))
}

/// Adds a domain. Returns the value of its record.
async fn add(owner: &Actor, id: &str, domain: &str) -> String {
    let added = owner.post(&domains(id), json!({"domain": domain})).await;
    value(&added.expect(201))
}

fn value(reply: &Reply) -> String {
    reply.body["verification"]["value"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Adds a domain and verifies it, with the only record.
pub(crate) async fn verified(world: &World, owner: &Actor, id: &str, domain: &str) {
    let value = add(owner, id, domain).await;
    publish(world, &[(domain, &value)]).await;
    let reply = owner.post_empty(&verify(id, domain)).await.expect(200);
    assert_eq!(reply.body["status"], "verified", "{reply:?}");
}

/// The types of the events of an organization that are about domains, oldest first.
async fn events(world: &World, id: &str) -> Vec<Value> {
    let path = format!("/organizations/{id}/events?type=domain.*");
    let root = world.tenant_admin();
    let mut events = root.all(&path).await;
    events.reverse();
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_owner_verifies_a_domain() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let body = json!({"domain": "Acme.EXAMPLE"});
    let added = ada.post(&domains(&id), body.clone()).await.expect(201);
    assert_eq!(
        added.headers["location"],
        format!("{}/acme.example", domains(&id))
    );
    assert_eq!(added.body["domain"], "acme.example");
    assert_eq!(added.body["status"], "pending");
    assert_eq!(added.body["auto_join"], false);
    assert_eq!(added.body["auto_join_role"], "member");
    assert_eq!(added.body["verified_at"], Value::Null);
    let record = &added.body["verification"];
    assert_eq!(record["type"], "TXT");
    assert_eq!(record["name"], "_muster-challenge.acme.example");
    assert!(value(&added).len() > "token=".len() + 32);
    // Again: the same, with the same token.
    let again = ada.post(&domains(&id), body).await.expect(200);
    assert_eq!(again.body, added.body);

    let path = format!("{}/acme.example", domains(&id));
    let missing = ada.post_empty(&verify(&id, "acme.example")).await;
    let missing = missing.expect(200);
    assert_eq!(missing.body["status"], "failed");
    let failure = missing.body["failure"].as_str().unwrap();
    assert!(
        failure.contains("_muster-challenge.acme.example"),
        "{failure}"
    );

    let others = json!({"_muster-challenge.acme.example": [
        "v=spf1 -all", format!("{} expiry=never", value(&added))]});
    set_records(&world, &others).await;
    let found = ada
        .post_empty(&verify(&id, "ACME.example"))
        .await
        .expect(200);
    assert_eq!(found.body["status"], "verified");
    assert_eq!(found.body["failure"], Value::Null);
    assert!(found.body["verified_at"].is_string());
    assert_eq!(ada.get(&path).await.expect(200).body, found.body);
    let listed = ada.get(&domains(&id)).await.expect(200);
    assert_eq!(listed.body["items"], json!([found.body]));

    // A verified domain stays so when its owner looks and the record is gone.
    publish(&world, &[]).await;
    let gone = ada
        .post_empty(&verify(&id, "acme.example"))
        .await
        .expect(200);
    assert_eq!(gone.body["status"], "verified");
    assert!(gone.body["failure"].is_string());

    ada.delete(&path).await.expect(204);
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.expect(404);
    let events = events(&world, &id).await;
    assert_eq!(
        types(&events),
        [
            "domain.added",
            "domain.updated",
            "domain.verified",
            "domain.removed"
        ]
    );
    assert!(!json!(events).to_string().contains("token="));
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_domains_of_one_organization_are_accepted() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    for domain in [
        "co.uk",
        "github.io",
        "gmail.com",
        "GMAIL.com",
        "x.gmail.com",
        "contoso.onmicrosoft.com",
        "example",
        "192.0.2.1",
        "acme.example.",
        "-a.example",
        "",
        "ｇｍａｉｌ.com",
    ] {
        let refused = ada.post(&domains(&id), json!({"domain": domain})).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], "/domain", "{domain}");
    }
    // One domain in three spellings.
    let first = ada
        .post(&domains(&id), json!({"domain": "BÜCHER.example"}))
        .await
        .expect(201);
    assert_eq!(first.body["domain"], "xn--bcher-kva.example");
    for same in ["bu\u{308}cher.example", "XN--BCHER-KVA.example"] {
        let again = ada
            .post(&domains(&id), json!({"domain": same}))
            .await
            .expect(200);
        assert_eq!(again.body, first.body);
    }
    for n in 1..10 {
        add(&ada, &id, &format!("d{n}.example")).await;
    }
    let another = ada
        .post(&domains(&id), json!({"domain": "more.example"}))
        .await;
    another.problem(409, "limit-reached");
    ada.delete(&format!("{}/d1.example", domains(&id)))
        .await
        .expect(204);
    add(&ada, &id, "more.example").await;
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn verifying_and_deleting_at_once() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let value = add(&ada, &id, "a.example").await;
    publish(&world, &[("a.example", &value)]).await;
    let path = format!("{}/a.example", domains(&id));
    let replies = join_all((0..6).map(|n| {
        let (ada, path) = (&ada, &path);
        async move {
            match n % 2 {
                0 => ada.post_empty(&format!("{path}/verify")).await,
                _ => ada.delete(path).await,
            }
        }
    }))
    .await;
    for status in statuses(&replies).keys() {
        assert!([200, 204, 404, 409].contains(status), "{status}");
    }
    ada.get(&path).await.expect(404);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn auto_join_needs_a_verified_domain() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    add(&ada, &id, "a.example").await;
    let path = format!("{}/a.example", domains(&id));
    let on = json!({"auto_join": true});
    ada.patch(&path, on.clone())
        .await
        .problem(409, "domain-not-verified");
    let role = ada
        .patch(&path, json!({"auto_join_role": "readonly"}))
        .await;
    assert_eq!(role.expect(200).body["auto_join_role"], "readonly");
    for role in ["owner", "admin", "org_admin", "boss"] {
        let refused = ada.patch(&path, json!({"auto_join_role": role})).await;
        refused.problem(400, "validation-failed");
    }
    verified(&world, &ada, &id, "b.example").await;
    let path = format!("{}/b.example", domains(&id));
    let changed = ada.patch(&path, on.clone()).await.expect(200);
    assert_eq!(changed.body["auto_join"], true);
    let stale = ada
        .request(Method::PATCH, &path)
        .header("if-match", "\"1\"")
        .json(&on);
    ada.send(stale).await.problem(412, "version-mismatch");
    let again = ada.patch(&path, on).await.expect(200);
    assert_eq!(again.body, changed.body);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_answer() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let body = json!({"domain": "a.example"});
    let first = ada
        .post_once(&domains(&id), "k", body.clone())
        .await
        .expect(201);
    let path = format!("{}/a.example", domains(&id));
    ada.delete(&path).await.expect(204);
    let again = ada.post_once(&domains(&id), "k", body).await.expect(201);
    assert_eq!(again.body, first.body);
    let value = add(&ada, &id, "b.example").await;
    publish(&world, &[("b.example", &value)]).await;
    let once = || {
        ada.request(Method::POST, &verify_b(&id))
            .header("idempotency-key", "v")
    };
    let first = ada.send(once()).await.expect(200);
    publish(&world, &[]).await;
    let again = ada.send(once()).await.expect(200);
    assert_eq!(again.body, first.body);
    invariants::check(&world.items().await);
}

fn verify_b(id: &str) -> String {
    verify(id, "b.example")
}

#[tokio::test]
async fn a_resolver_that_fails_changes_nothing() {
    // Nothing answers there.
    let world = World::with_variable("DOMAIN_RESOLVERS", "127.0.0.1:1").await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    add(&ada, &id, "a.example").await;
    let path = format!("{}/a.example", domains(&id));
    let before = ada.get(&path).await.expect(200);
    let failed = ada.post_empty(&format!("{path}/verify")).await;
    let failed = failed.problem(503, "unavailable");
    assert!(failed.headers.contains_key("retry-after"));
    assert_eq!(ada.get(&path).await.expect(200).body, before.body);
}

#[tokio::test]
async fn a_domain_is_looked_up_ten_times_a_minute() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    add(&ada, &id, "a.example").await;
    for _ in 0..10 {
        ada.post_empty(&verify(&id, "a.example")).await.expect(200);
    }
    let reply = ada.post_empty(&verify(&id, "a.example")).await;
    reply.problem(429, "throttled");
    // Another domain is not affected.
    add(&ada, &id, "b.example").await;
    ada.post_empty(&verify(&id, "b.example")).await.expect(200);
}
