//! Writes of organizations, teams, members and webhooks, each with bodies that it rejects.

use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, Actor, World};

use crate::webhook_endpoints::deliveries::{LONG_AGO, deliver, some_event};
use crate::webhook_endpoints::{all_events, endpoint};

pub(super) const ENDPOINTS: &str = "/webhook-endpoints";

/// A valid write by the owner `ada`.
pub(super) struct Write {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Bodies that are rejected with 400.
    pub(super) bad: Vec<Value>,
}

fn write(method: Method, path: &str, body: Option<Value>, bad: Vec<Value>) -> Write {
    Write {
        method,
        path: path.to_owned(),
        body,
        bad,
    }
}

/// An organization with members and a team, a deleted one, and writes about them.
pub(super) async fn writes(world: &World) -> Vec<Write> {
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
pub(super) fn is_for_tenant_admins(write: &Write) -> bool {
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
