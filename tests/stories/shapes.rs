//! The form of resources: every field with its type, and who sees which.

use reqwest::Method;
use serde_json::{Map, Value, json};
use support::{Actor, World};

/// The type of a field.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Id,
    Whole,
    Number,
    Flag,
    Time,
    Object,
    Texts,
    OneOf(&'static [&'static str]),
}
use Kind::{Flag, Id, Number, Object, OneOf, Text, Texts, Time, Whole};

const ROLES: Kind = OneOf(&[
    "owner",
    "admin",
    "org_admin",
    "manager",
    "member",
    "internal_user",
    "readonly",
    "internal_user_viewer",
]);
const STATUS: Kind = OneOf(&["active", "invited", "suspended"]);
const SOURCE: Kind = OneOf(&["manual", "entra"]);
const BILLING: [&str; 3] = ["billing_email", "billing_address", "stripe_customer_id"];

/// A field: name, type, and whether it may be `null`.
type Field = (&'static str, Kind, bool);

const ORGANIZATION: &[Field] = &[
    ("id", Id, false),
    ("tenant_id", Id, false),
    ("name", Text, false),
    ("domain", Text, true),
    ("billing_email", Text, true),
    ("billing_address", Text, true),
    ("stripe_customer_id", Text, true),
    ("metadata", Object, false),
    ("limits", Object, false),
    ("spend", Number, false),
    ("source", SOURCE, false),
    ("status", OneOf(&["active", "deleted"]), false),
    ("version", Whole, false),
    ("created_by", Id, true),
    ("created_at", Time, false),
    ("updated_at", Time, false),
    ("deleted_at", Time, true),
];
const LIMITS: &[Field] = &[
    ("models", Texts, false),
    ("max_budget", Number, true),
    ("budget_duration", Text, true),
    ("tpm_limit", Whole, true),
    ("rpm_limit", Whole, true),
];
const MEMBERSHIP: &[Field] = &[
    ("tenant_id", Id, false),
    ("organization_id", Id, false),
    ("user_id", Id, false),
    ("role", ROLES, false),
    ("status", STATUS, false),
    ("source", SOURCE, false),
    ("invited_by_user_id", Id, true),
    ("spend", Number, false),
    ("budget_id", Text, true),
    ("last_active_at", Time, true),
    ("version", Whole, false),
    ("created_at", Time, false),
    ("updated_at", Time, false),
];
const TEAM: &[Field] = &[
    ("id", Id, false),
    ("tenant_id", Id, false),
    ("organization_id", Id, true),
    ("name", Text, false),
    ("description", Text, true),
    ("is_default", Flag, false),
    ("limits", Object, false),
    ("effective_models", Texts, false),
    ("effective_limits", Object, false),
    ("metadata", Object, false),
    ("source", SOURCE, false),
    ("version", Whole, false),
    ("created_by", Id, true),
    ("created_at", Time, false),
    ("updated_at", Time, false),
];
const TEAM_MEMBERSHIP: &[Field] = &[
    ("tenant_id", Id, false),
    ("team_id", Id, false),
    ("user_id", Id, false),
    ("role", OneOf(&["leader", "member"]), false),
    ("status", STATUS, false),
    ("source", SOURCE, false),
    ("version", Whole, false),
    ("created_at", Time, false),
    ("updated_at", Time, false),
];
const USER: &[Field] = &[
    ("tenant_id", Id, false),
    ("user_id", Id, false),
    ("email", Text, true),
    ("display_name", Text, true),
    ("entra_object_id", Id, true),
    ("last_login_at", Time, true),
    ("created_at", Time, false),
    ("updated_at", Time, false),
];

/// `2026-11-20T23:51:36.042Z`
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn is(kind: Kind, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match kind {
        Text => value.is_string(),
        Id => (1..=128).contains(&text.len()),
        Whole => value.is_u64(),
        Number => value.is_number(),
        Flag => value.is_boolean(),
        Time => is_time(text),
        Object => value.is_object(),
        Texts => value
            .as_array()
            .is_some_and(|all| all.iter().all(Value::is_string)),
        OneOf(texts) => texts.contains(&text),
    }
}

/// Fails unless the value has exactly these fields, each of its type.
#[track_caller]
fn has(value: &Value, shape: &[Field], without: &[&str]) {
    let object = value.as_object().expect("an object");
    let names: Vec<_> = shape
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !without.contains(name))
        .collect();
    let mut expected = names.clone();
    expected.sort_unstable();
    let mut found: Vec<_> = object.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    for (name, kind, nullable) in shape.iter().filter(|(name, ..)| names.contains(name)) {
        let value = &object[*name];
        assert!(
            (value.is_null() && *nullable) || is(*kind, value),
            "{name}: {kind:?} is {value}"
        );
    }
    if let Some(limits) = object.get("limits") {
        has(limits, LIMITS, &[]);
    }
}

/// An item of a list that includes another resource.
#[track_caller]
fn take(item: &Value, field: &str) -> (Value, Map<String, Value>) {
    let mut item = item.clone();
    let more = item.as_object_mut().unwrap().remove(field).expect(field);
    (item, more.as_object().unwrap().clone())
}

#[tokio::test]
async fn resources_have_the_documented_fields_and_types() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let full = json!({
        "domain": "acme.example", "billing_email": "pay@acme.example", "billing_address": "x",
        "stripe_customer_id": "cus_1", "metadata": {"a": 1},
        "limits": {"models": ["m"], "max_budget": 1, "budget_duration": "1d", "tpm_limit": 1, "rpm_limit": 1},
    });
    for (actor, method, path, body) in [
        (&ada, Method::POST, "/organizations", json!({"name": "New"})),
        (&ada, Method::PATCH, &*organization, full),
        (&ada, Method::GET, &*organization, Value::Null),
    ] {
        let reply = actor.send(actor.request(method, path).json(&body)).await;
        assert!([200, 201].contains(&reply.status), "{reply:?}");
        has(&reply.body, ORGANIZATION, &[]);
        let version = format!("\"{}.", reply.body["version"]);
        assert!(reply.headers["etag"].starts_with(&version));
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    let gone = world.organization(&ada, "Gone").await;
    ada.delete(&format!("/organizations/{gone}"))
        .await
        .expect(204);
    for (list, count) in [("/organizations", 2), ("/organizations?status=deleted", 1)] {
        let all = root.all(list).await;
        assert_eq!(all.len(), count);
        for one in &all {
            has(one, ORGANIZATION, &[]);
            assert_eq!(one["deleted_at"].is_null(), one["status"] == "active");
        }
    }
    let back = root
        .post_empty(&format!("/organizations/{gone}/restore"))
        .await;
    has(&back.expect(200).body, ORGANIZATION, &[]);

    let members = format!("{organization}/members");
    world.register(&["eve"]).await;
    has(
        &ada.post(&members, json!({"user_id": "eve"}))
            .await
            .expect(201)
            .body,
        MEMBERSHIP,
        &[],
    );
    has(
        &ada.post(&members, json!({"user_id": "eve"}))
            .await
            .expect(200)
            .body,
        MEMBERSHIP,
        &[],
    );
    let eve = world.user("eve");
    let accepted = eve
        .post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200)
        .body;
    has(&accepted, MEMBERSHIP, &[]);
    assert_eq!(accepted["invited_by_user_id"], "ada");
    has(
        &ada.patch(&format!("{members}/eve"), json!({"role": "admin"}))
            .await
            .expect(200)
            .body,
        MEMBERSHIP,
        &[],
    );
    has(
        &ada.get(&format!("{members}/eve")).await.expect(200).body,
        MEMBERSHIP,
        &[],
    );
    for one in ada.all(&members).await {
        has(&one, MEMBERSHIP, &[]);
    }
    for one in eve.all("/users/me/organizations").await {
        let (membership, of) = take(&one, "organization");
        has(&membership, MEMBERSHIP, &[]);
        assert_eq!(
            of,
            *json!({"id": id, "name": "Acme", "domain": "acme.example", "source": "manual"})
                .as_object()
                .unwrap()
        );
    }
    has(&eve.get("/users/me").await.expect(200).body, USER, &[]);
    let profile =
        json!({"email": "Eve@acme.example", "display_name": "Eve", "entra_object_id": "o-1"});
    has(
        &root.put("/users/eve", profile).await.expect(200).body,
        USER,
        &[],
    );
    teams(&ada, &root, &eve, &organization).await;
}

async fn teams(ada: &Actor, root: &Actor, eve: &Actor, organization: &str) {
    let in_organization = format!("{organization}/teams");
    for (actor, list) in [(root, "/teams"), (ada, &*in_organization)] {
        let body = json!({"name": "T", "limits": {"models": ["all-org-models"]}});
        let made = actor.post(list, body).await;
        if made.status != 201 {
            // A standalone team has no organization to inherit models from.
            assert_eq!(list, "/teams");
            actor.post(list, json!({"name": "T"})).await.expect(201);
        }
        let all = actor.all(list).await;
        assert_eq!(all.len(), 1);
        has(&all[0], TEAM, &[]);
        let team = format!("/teams/{}", all[0]["id"].as_str().unwrap());
        has(&actor.get(&team).await.expect(200).body, TEAM, &[]);
        has(
            &actor
                .patch(&team, json!({"description": "d"}))
                .await
                .expect(200)
                .body,
            TEAM,
            &[],
        );
        let members = format!("{team}/members");
        has(
            &actor
                .post(&members, json!({"user_id": "eve"}))
                .await
                .expect(201)
                .body,
            TEAM_MEMBERSHIP,
            &[],
        );
        has(&actor.all(&members).await[0], TEAM_MEMBERSHIP, &[]);
        let one = format!("{members}/eve");
        has(
            &actor
                .patch(&one, json!({"role": "leader"}))
                .await
                .expect(200)
                .body,
            TEAM_MEMBERSHIP,
            &[],
        );
    }
    let own = eve.all("/users/me/teams").await;
    assert_eq!(own.len(), 2);
    for one in own {
        let (membership, team) = take(&one, "team");
        has(&membership, TEAM_MEMBERSHIP, &[]);
        assert!(
            team.contains_key("id") && team.contains_key("name"),
            "{team:?}"
        );
    }
}

#[tokio::test]
async fn billing_fields_require_owner_admin_or_tenant_admin() {
    let (world, ada, id) = World::acme().await;
    let path = format!("/organizations/{id}");
    ada.patch(&path, json!({"billing_email": "pay@acme.example"}))
        .await
        .expect(200);
    for role in [
        "owner",
        "admin",
        "org_admin",
        "manager",
        "member",
        "internal_user",
        "readonly",
        "internal_user_viewer",
    ] {
        let actor = world
            .member(&id, &format!("a-{role}"), role, "active")
            .await;
        let shown = actor.get(&path).await.expect(200).body;
        if ["owner", "admin", "org_admin"].contains(&role) {
            has(&shown, ORGANIZATION, &[]);
            assert_eq!(shown["billing_email"], "pay@acme.example");
        } else {
            has(&shown, ORGANIZATION, &BILLING);
        }
    }
    has(
        &world.tenant_admin().get(&path).await.expect(200).body,
        ORGANIZATION,
        &[],
    );
    let admin = world.user("a-admin");
    let patched = admin
        .patch(&path, json!({"metadata": {"a": 1}}))
        .await
        .expect(200);
    has(&patched.body, ORGANIZATION, &[]);
    admin
        .patch(&path, json!({"billing_address": null}))
        .await
        .problem(403, "forbidden");
}
