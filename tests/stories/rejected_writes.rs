//! A rejected write changes nothing: of another tenant, without permission, with invalid input.

use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, Actor, World, invariants};

use crate::webhooks::deliveries::{LONG_AGO, deliver, some_event};
use crate::webhooks::{all_events, endpoint};

const ENDPOINTS: &str = "/webhook-endpoints";

/// A valid write by the owner `ada`.
struct Write {
    method: Method,
    path: String,
    body: Option<Value>,
    /// Bodies that are rejected with 400.
    bad: Vec<Value>,
}

fn write(method: Method, path: &str, body: Option<Value>, bad: Vec<Value>) -> Write {
    Write {
        method,
        path: path.to_owned(),
        body,
        bad,
    }
}

/// An organization with members and a team, a deleted one, and every write about them.
async fn writes(world: &World) -> Vec<Write> {
    let ada = world.user("ada");
    world.register(&["new", "root"]).await;
    let id = world.organization(&ada, "Acme").await;
    world.organization(&ada, "Taken").await;
    let gone = world.organization(&ada, "Gone").await;
    for id in [&id, &gone] {
        world.member(id, "bob", "member", "active").await;
        world.member(id, "max", "readonly", "active").await;
    }
    ada.delete(&format!("/organizations/{gone}"))
        .await
        .expect(204);

    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    let bob = format!("{members}/bob");
    let bad_organization = bad_organizations();
    let bad_member = vec![
        json!({"role": "god"}),
        json!({"role": null}),
        json!({"status": "deleted"}),
        json!({"role": "member", "source": "entra"}),
        json!({"role": "member", "version": 9}),
        json!([]),
    ];
    let bad_new_member = vec![
        json!({}),
        json!({"user_id": "me"}),
        json!({"user_id": "new", "role": "god"}),
        json!({"user_id": "new", "status": "suspended"}),
        json!({"user_id": "new", "tenant_id": "globex"}),
    ];
    let name = json!({"name": "Renamed"});
    let role = json!({"role": "manager"});
    let accept = write(
        Method::POST,
        &format!("{bob}/accept"),
        None,
        vec![json!({"user_id": "bob"})],
    );
    let mut writes = vec![
        write(
            Method::POST,
            "/organizations",
            Some(json!({"name": "New"})),
            bad_organization.clone(),
        ),
        write(
            Method::PATCH,
            &organization,
            Some(name.clone()),
            bad_organization.clone(),
        ),
        write(Method::PUT, &organization, Some(name), bad_organization),
        write(Method::DELETE, &organization, None, vec![]),
        write(
            Method::POST,
            &format!("/organizations/{gone}/restore"),
            None,
            vec![json!({"name": ""}), json!({"domain": null}), json!([])],
        ),
        write(
            Method::POST,
            &members,
            Some(json!({"user_id": "new"})),
            bad_new_member,
        ),
        write(Method::PATCH, &bob, Some(role.clone()), bad_member.clone()),
        write(Method::PUT, &bob, Some(role), bad_member),
        write(Method::DELETE, &bob, None, vec![]),
        write(
            Method::POST,
            &format!("{organization}/transfer-ownership"),
            Some(json!({"user_id": "bob"})),
            vec![
                json!({}),
                json!({"user_id": "root"}),
                json!({"user_id": "bob", "keep_role": "owner"}),
                json!({"user_id": "bob", "role": "owner"}),
                json!([]),
            ],
        ),
        accept,
        write(
            Method::PUT,
            "/users/new",
            Some(json!({"display_name": "New"})),
            vec![
                json!({"email": "nobody"}),
                json!({"display_name": ""}),
                json!({"entra_object_id": 7}),
                json!({"last_login_at": "2026-01-01T00:00:00Z"}),
            ],
        ),
    ];
    writes.extend(writes_of_teams(&ada, &id).await);
    writes.extend(writes_of_webhook_endpoints(world).await);
    writes
}

/// A webhook endpoint with a delivery that failed, and every write about them. Only tenant admins may make them.
async fn writes_of_webhook_endpoints(world: &World) -> Vec<Write> {
    const NO_SERVER: &str = "http://127.0.0.1:1/";
    let (hook, _) = endpoint(world, all_events(NO_SERVER)).await;
    let event = some_event(world).await;
    deliver(world, &hook, &event, 1, LONG_AGO).await;
    let retry = format!("{hook}/deliveries/{}/retry", event["id"].as_str().unwrap());
    let bad = vec![
        json!({"url": "no address"}),
        json!({"event_types": ["nothing.*"]}),
        json!({"description": 7}),
        json!({"secret": "whsec_x"}),
        json!([]),
    ];
    let times = json!({"from": "2026-01-01T00:00:00.000Z", "to": "2999-01-01T00:00:00.000Z"});
    let bad_times = vec![json!({}), json!({"from": "yesterday"}), json!([])];
    let unknown = vec![json!({"unknown": 1}), json!([])];
    let at = |verb: &str| format!("{hook}/{verb}");
    vec![
        write(
            Method::POST,
            ENDPOINTS,
            Some(all_events("http://127.0.0.1:2/")),
            [vec![json!({})], bad.clone()].concat(),
        ),
        write(Method::PATCH, &hook, Some(json!({"description": "x"})), bad),
        write(Method::POST, &at("rotate-secret"), None, unknown.clone()),
        write(Method::POST, &at("test"), None, unknown.clone()),
        write(Method::POST, &at("replay"), Some(times), bad_times),
        write(Method::POST, &retry, None, unknown),
        write(Method::DELETE, &hook, None, vec![]),
    ]
}

/// Whether only tenant admins may make this write.
fn is_for_tenant_admins(write: &Write) -> bool {
    write.path.starts_with("/users/") || write.path.starts_with(ENDPOINTS)
}

fn bad_organizations() -> Vec<Value> {
    vec![
        json!({"name": ""}),
        json!({"name": null}),
        json!({"name": "n".repeat(256)}),
        json!({"name": "Fine", "domain": "no dot"}),
        json!({"name": "Fine", "billing_email": "nobody"}),
        json!({"name": "Fine", "stripe_customer_id": "1"}),
        json!({"name": "Fine", "metadata": []}),
        json!({"name": "Fine", "metadata": {"a": {"b": {"c": {"d": {"e": {}}}}}}}),
        json!({"name": "Fine", "limits": {"max_budget": -1}}),
        json!({"name": "Fine", "spend": 0}),
        json!({"name": "Fine", "tenant_id": ACME}),
        json!({"name": "Fine", "status": "deleted"}),
        json!({"name": "Fine", "owner_count": 0}),
        json!([]),
        json!("name"),
    ]
}

/// A team of the organization, with bob as a member, and every write about it.
async fn writes_of_teams(ada: &Actor, id: &str) -> Vec<Write> {
    let teams = format!("/organizations/{id}/teams");
    let made = ada.post(&teams, json!({"name": "Team"})).await.expect(201);
    let team = made.headers["location"].clone();
    let in_team = json!({"user_id": "bob"});
    ada.post(&format!("{team}/members"), in_team)
        .await
        .expect(201);

    let bad_team = vec![
        json!({"name": ""}),
        json!({"name": null}),
        json!({"name": "Fine", "metadata": []}),
        json!({"name": "Fine", "limits": {"max_budget": -1}}),
        json!({"name": "Fine", "is_default": "yes"}),
        json!({"name": "Fine", "organization_id": "other"}),
        json!({"name": "Fine", "version": 9}),
        json!([]),
    ];
    let bad_member = vec![
        json!({"role": "owner"}),
        json!({"role": null}),
        json!({"status": "deleted"}),
        json!({"role": "leader", "source": "entra"}),
        json!([]),
    ];
    let bad_new_member = vec![
        json!({}),
        json!({"user_id": "me"}),
        json!({"user_id": "max", "role": "owner"}),
        json!({"user_id": "max", "tenant_id": "globex"}),
    ];
    let name = json!({"name": "Renamed"});
    let (members, bob) = (format!("{team}/members"), format!("{team}/members/bob"));
    vec![
        write(
            Method::POST,
            &teams,
            Some(json!({"name": "New"})),
            bad_team.clone(),
        ),
        write(Method::PATCH, &team, Some(name.clone()), bad_team.clone()),
        write(Method::PUT, &team, Some(name), bad_team),
        write(Method::DELETE, &team, None, vec![]),
        write(
            Method::POST,
            &members,
            Some(json!({"user_id": "max"})),
            bad_new_member,
        ),
        write(
            Method::PATCH,
            &bob,
            Some(json!({"role": "leader"})),
            bad_member,
        ),
        write(Method::DELETE, &bob, None, vec![]),
    ]
}

async fn send(actor: &Actor, write: &Write, body: Option<&Value>) -> support::Reply {
    let request = actor.request(write.method.clone(), &write.path);
    actor
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

#[tokio::test]
async fn writes_of_another_tenant_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let admin = world.tenant_admin_of("globex");
    for write in &writes {
        // Callers of another tenant create and register in their own.
        let creates = ["/organizations", ENDPOINTS].contains(&write.path.as_str());
        if creates || write.path.starts_with("/users/") {
            continue;
        }
        for foreigner in [
            world.user_of("globex", "ada"),
            world.user_of("globex", "bob"),
            admin.clone(),
        ] {
            if write.method == Method::DELETE && write.path.ends_with(&foreigner.id) {
                // Removing a missing member succeeds.
                send(&foreigner, write, None).await.expect(204);
                continue;
            }
            world.calls.take();
            let reply = send(&foreigner, write, write.body.as_ref()).await;
            if is_for_tenant_admins(write) && foreigner.id != admin.id {
                reply.problem(403, "forbidden");
            } else {
                reply.problem(404, "not-found");
            }
            for call in world.calls.take() {
                for text in support::texts(&call) {
                    let foreign =
                        text.starts_with("TENANT#") && !text.starts_with("TENANT#globex#");
                    assert!(!foreign, "{text} in {call:?}");
                }
            }
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn writes_without_permission_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let (max, eve) = (world.user("max"), world.user("eve"));
    for write in &writes {
        if write.path == "/organizations" {
            continue;
        }
        send(&max, write, write.body.as_ref())
            .await
            .problem(403, "forbidden");
        let stranger = send(&eve, write, write.body.as_ref()).await;
        if is_for_tenant_admins(write) {
            stranger.problem(403, "forbidden");
        } else {
            stranger.problem(404, "not-found");
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn writes_with_invalid_input_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let before = world.table().await;
    let root = world.tenant_admin();
    for write in &writes {
        for bad in &write.bad {
            let reply = send(&root, write, Some(bad)).await;
            assert_eq!(reply.status, 400, "{} {bad}: {reply:?}", write.path);
        }
        let header = |name: &str, value: &str| {
            let request = root.request(write.method.clone(), &write.path);
            root.send(
                request
                    .header(name, value)
                    .json(&write.body.clone().unwrap_or(json!({}))),
            )
        };
        if write.method == Method::POST {
            for key in ["", "a b", "é", &"k".repeat(256)] {
                let reply = header("idempotency-key", key).await;
                assert_eq!(reply.status, 400, "{} {key}: {reply:?}", write.path);
            }
        } else {
            for version in ["\"99\"", "\"\"", "1", "W/\"1\"", "\"1", "\"1.x\""] {
                let reply = header("if-match", version).await;
                reply.problem(412, "version-mismatch");
            }
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn conflicting_writes_change_nothing() {
    let world = World::start().await;
    let writes = writes(&world).await;
    let organization = &writes[1].path;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let before = world.table().await;
    ada.patch(
        organization,
        json!({"name": " TAKEN", "domain": "new.example"}),
    )
    .await
    .problem(409, "name-taken");
    let members = format!("{organization}/members");
    ada.post(&members, json!({"user_id": "nobody-known"}))
        .await
        .problem(422, "unknown-user");
    ada.post(&members, json!({"user_id": "bob", "role": "owner"}))
        .await
        .problem(409, "already-member");
    for actor in [&ada, &root] {
        for change in [json!({"role": "admin"}), json!({"status": "suspended"})] {
            actor
                .patch(&format!("{members}/ada"), change)
                .await
                .problem(409, "last-owner");
        }
        actor
            .delete(&format!("{members}/ada"))
            .await
            .problem(409, "last-owner");
    }
    assert_eq!(world.table().await, before);
    invariants::check(&world.items().await);
}

/// The writes rejected above are valid.
#[tokio::test]
async fn the_valid_writes_succeed() {
    let world = World::start().await;
    let count = writes(&world).await.len();
    for number in 0..count {
        let world = World::start().await;
        let write = &writes(&world).await[number];
        let before = world.table().await;
        let actor = match write.path.as_str() {
            path if path.ends_with("/accept") => world.user("bob"),
            _ if is_for_tenant_admins(write) => world.tenant_admin(),
            _ => world.user("ada"),
        };
        let reply = send(&actor, write, write.body.as_ref()).await;
        assert!(reply.status < 300, "{}: {reply:?}", write.path);
        // A test and a replay send messages.
        let unseen = ["/accept", "/test", "/replay"];
        if !unseen.iter().any(|end| write.path.ends_with(end)) {
            assert_ne!(world.table().await, before, "{}", write.path);
        }
        invariants::check(&world.items().await);
    }
}
