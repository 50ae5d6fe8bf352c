//! Tenants are isolated: nothing of one exists for callers of another, even with similar names and
//! the same ids.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Reply, World, filled};

static DOCUMENT: LazyLock<Value> = LazyLock::new(muster_functions::openapi_document);

/// Tenants whose names are prefixes of each other.
const TENANTS: [&str; 4] = ["acme", "acme2", "acme:x", "a"];

/// The ids of a tenant for the parameters of any route.
struct Resources {
    organizations: Vec<String>,
    teams: Vec<String>,
    users: Vec<&'static str>,
}

/// A tenant with one of everything, and a secret in every text.
async fn furnished(world: &World, tenant: &str) -> Resources {
    let root = world.tenant_admin_of(tenant);
    let ada = world.user_of(tenant, "ada");
    let secret = format!("secret of {tenant}");
    for user in ["bob", "eve"] {
        let profile = json!({"display_name": secret, "email": "secret@acme.example"});
        root.put(&format!("/users/{user}"), profile)
            .await
            .expect(201);
    }
    let (mut organizations, mut teams) = (Vec::new(), Vec::new());
    for name in ["live", "deleted"] {
        let body = json!({
            "name": format!("{secret} {name}"),
            "domain": "secret.example",
            "metadata": {"secret": secret},
        });
        let made = ada.post("/organizations", body).await.expect(201);
        let organization = made.headers["location"].clone();
        for (user, status) in [("bob", "active"), ("eve", "invited")] {
            let member = json!({"user_id": user, "status": status});
            let members = format!("{organization}/members");
            ada.post(&members, member).await.expect(201);
        }
        let team = json!({"name": secret});
        let made = ada
            .post(&format!("{organization}/teams"), team.clone())
            .await
            .expect(201);
        let team_members = format!("{}/members", made.headers["location"]);
        ada.post(&team_members, json!({"user_id": "bob"}))
            .await
            .expect(201);
        teams.push(text(&made.body["id"]));
        if name == "live" {
            let made = root.post("/teams", team).await.expect(201);
            teams.push(text(&made.body["id"]));
        } else {
            ada.delete(&organization).await.expect(204);
        }
        organizations.push(
            organization
                .trim_start_matches("/organizations/")
                .to_owned(),
        );
    }
    Resources {
        organizations,
        teams,
        users: vec!["ada", "bob", "eve", "root"],
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Whether a text has a secret of the tenant. Webhook endpoints have a field and a route of that name.
fn is_leaked(text: &str) -> bool {
    let others = ["\"secret\"", "rotate-secret"];
    let text = others
        .iter()
        .fold(text.to_owned(), |text, name| text.replace(name, ""));
    text.contains("secret")
}

/// The statuses for a caller of another tenant, who has no membership there either.
///
/// `own`: the id in the path is the caller's own, which means the caller in their own tenant.
fn expected_statuses(route: &str, admin: bool, own: bool) -> &'static [u16] {
    let for_admins = |status| if admin { status } else { &[403][..] };
    let (method, path) = route.split_once(' ').unwrap();
    match route {
        // Every user may create one.
        "POST /organizations" => &[201],
        // The domain of the example proves nothing.
        "POST /directories" => for_admins(&[400]),
        "GET /events/{event_id}" => for_admins(&[404]),
        "PUT /users/{user_id}" => for_admins(&[200, 201]),
        "POST /invitations/accept" | "POST /invitations/decline" => &[404],
        "POST /users/me/invitations/{invitation_id}/accept"
        | "POST /users/me/invitations/{invitation_id}/decline" => &[403],
        "GET /users/me/invitations" => &[200],
        // They own what they created in their own tenant.
        "DELETE /users/{user_id}" => for_admins(&[204, 409]),
        "PATCH /users/{user_id}" => for_admins(&[200, 404]),
        // The caller's own lists are empty; removing a membership that does not exist succeeds.
        "GET /users/{user_id}/organizations" | "GET /users/{user_id}/teams" if own => &[200],
        "DELETE /organizations/{organization_id}/members/{user_id}"
        | "DELETE /teams/{team_id}/members/{user_id}"
            if own && !admin =>
        {
            &[204]
        }
        _ if path.contains("{endpoint_id}") => for_admins(&[404]),
        _ if path.contains("{directory_id}") => for_admins(&[404]),
        _ if path.contains('{') => &[404],
        // Without an id in the path, tenant admins create or list resources of their own tenant.
        _ if method == "POST" => for_admins(&[201]),
        _ => for_admins(&[200]),
    }
}

/// The example body of the route in the OpenAPI document, with a name that no other body has.
fn body(route: &str, user: &str, n: usize) -> Value {
    let (method, path) = route.split_once(' ').unwrap();
    let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
    let example = operation.pointer("/requestBody/content/application~1json/example");
    let mut body = example.cloned().unwrap_or(json!({}));
    if body.get("name").is_some() {
        body["name"] = json!(format!("Mine {n}"));
    }
    if route == "PATCH /users/{user_id}" {
        // A disabled user would be refused for that reason.
        body["status"] = json!("enabled");
    }
    if body.get("user_id").is_some() {
        body["user_id"] = json!(user);
    }
    body
}

/// The same request, with the other tenant named wherever a request can name something.
async fn ask(actor: &Actor, route: &str, path: &str, tenant: &str, body: &Value) -> Reply {
    let (method, _) = route.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let sends = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let mut request = actor
        .request(method, path)
        .header("tenant_id", tenant)
        .header("x-tenant-id", tenant)
        .header(
            "x-amzn-request-context",
            format!("{{\"tenant_id\":\"{tenant}\"}}"),
        );
    if sends {
        request = request.json(body);
    }
    actor.send(request).await
}

fn paths(path: &str, resources: &Resources) -> Vec<(String, &'static str)> {
    let mut paths = Vec::new();
    for user in &resources.users {
        for organization in &resources.organizations {
            for team in &resources.teams {
                let path = path.replace("{team_id}", team);
                paths.push((filled(&path, organization, user), *user));
            }
        }
    }
    paths.sort();
    paths.dedup_by(|(one, _), (other, _)| one == other);
    paths
}

#[tokio::test]
async fn no_route_reads_or_writes_another_tenant() {
    let world = World::start().await;
    let resources = furnished(&world, TENANTS[0]).await;
    let before = of_tenant(&world, TENANTS[0]).await;
    let mut routes = world.routes().await;
    // Reads first: writes register users and fill lists of the caller's own tenant.
    routes.sort_by_key(|route| !route.starts_with("GET "));
    for outside in &TENANTS[1..] {
        // A user with an owner's id, another user, and a tenant admin.
        let callers = [
            (world.user_of(outside, "ada"), false),
            (world.user_of(outside, "zoe"), false),
            (world.tenant_admin_of(outside), true),
        ];
        let mut asked = 0;
        for route in &routes {
            // It has no caller: the token names the tenant.
            if route == "GET /invitations/{token}" {
                continue;
            }
            let (_, path) = route.split_once(' ').unwrap();
            for (actor, admin) in &callers {
                for (path, user) in paths(path, &resources) {
                    let body = body(route, user, asked);
                    world.calls.take();
                    let reply = ask(actor, route, &path, TENANTS[0], &body).await;
                    let what = format!("{route} {path} by {} of {outside}: {reply:?}", actor.id);
                    let expected = expected_statuses(route, *admin, user == actor.id);
                    assert!(expected.contains(&reply.status), "{what}");
                    assert!(!is_leaked(&format!("{reply:?}")), "{what}");
                    for call in world.calls.take() {
                        let foreign = support::of_other_tenants(&call, outside);
                        assert!(
                            foreign.is_empty(),
                            "{} {foreign:?} for {what}",
                            call.operation
                        );
                    }
                    asked += 1;
                }
            }
        }
        assert!(asked > 300, "{asked}");
        // They created these in their own tenant.
        for item in of_tenant(&world, outside).await {
            assert!(!is_leaked(&item), "{item}");
        }
    }
    assert_eq!(of_tenant(&world, TENANTS[0]).await, before);
}

async fn of_tenant(world: &World, tenant: &str) -> Vec<String> {
    let own = format!("TENANT#{tenant}#");
    let mut items: Vec<_> = world
        .items()
        .await
        .into_iter()
        .filter(|item| item["pk"].as_str().unwrap().starts_with(&own))
        .map(|item| Value::Object(item).to_string())
        .collect();
    items.sort();
    items
}

/// A user with these claims.
fn with_claims(world: &World, claims: &Value) -> Actor {
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    world.bearer("ada", Some(token.unwrap()))
}

#[tokio::test]
async fn similar_tenant_names_are_different_tenants() {
    let (world, _, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    for (claims, status) in [
        (json!({"tenant_id": "acme"}), 200),
        (json!({"custom:tenant_id": "acme"}), 200),
        (json!({"tenant_id": "", "custom:tenant_id": "acme"}), 200),
        (
            json!({"tenant_id": "acme", "custom:tenant_id": "other"}),
            200,
        ),
        (
            json!({"tenant_id": "other", "custom:tenant_id": "acme"}),
            404,
        ),
        (json!({"tenant_id": "Acme"}), 404),
        (json!({"tenant_id": " acme"}), 403),
        (
            json!({"tenant_id": "acme#", "custom:tenant_id": "acme"}),
            403,
        ),
        (json!({"tenant_id": "acme#USER#ada"}), 403),
        (json!({"tenant_id": ["acme"]}), 403),
        (json!({"tenant_id": {"id": "acme"}}), 403),
        (json!({"tenant_id": "x".repeat(129)}), 403),
        (
            json!({"tenant": "acme", "TENANT_ID": "acme", "custom:tenant": "acme"}),
            403,
        ),
        (json!({}), 403),
    ] {
        let mut all = claims.clone();
        all["sub"] = json!("ada");
        let reply = with_claims(&world, &all).get(&organization).await;
        assert_eq!(reply.status, status, "{claims}: {reply:?}");
    }
}

#[tokio::test]
async fn only_the_exact_group_grants_tenant_admin() {
    let world = World::start().await;
    for (groups, status) in [
        (json!(["tenant-admins"]), 200),
        // Group names of other issuers may contain spaces: `[a tenant-admins b]` can be a single
        // group.
        (json!(["a", "tenant-admins", "b"]), 403),
        (json!("tenant-admins"), 200),
        (json!([]), 403),
        (
            json!(["tenant-admin", "tenant-admins-2", "x-tenant-admins"]),
            403,
        ),
        (json!(["Tenant-Admins"]), 403),
        (json!(["[tenant-admins]"]), 403),
        (json!(["tenant-admins]"]), 403),
        (json!(["[tenant-admins"]), 403),
        (json!(["tenant-admins,"]), 403),
        (json!({"tenant-admins": true}), 403),
        (json!(null), 403),
    ] {
        let claims = json!({"sub": "ada", "tenant_id": "acme", "cognito:groups": groups});
        let reply = with_claims(&world, &claims).get("/organizations").await;
        assert_eq!(reply.status, status, "{groups}: {reply:?}");
    }
}
