//! Directories of tenants: two tenants with two Entra directories, and what happens to memberships.
//!
//! The sample of the local Entra has one Entra tenant for the users of `acme`, the default of the deployment, and one for
//! those of `globex`.

mod deleting;
mod histories;
mod managing;
mod runs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join3;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, World, invariants};

use crate::domains::verified;

const GLOBEX: &str = "globex";
/// The Entra tenant of `globex`, and the enterprise application in it.
const ENTRA: &str = "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64";
const PRINCIPAL: &str = "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a";
/// Groups of that Entra tenant.
const NUCLEAR: &str = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40001";
const LEADS: &str = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40002";
/// Where the local Entra shows and takes its directory.
const ENTRA_PATH: &str = "/_local/entra/directory";
const SAMPLE: &str = include_str!("../../local/directory.sample.json");

/// The request that creates the directory of `globex`.
pub(crate) fn new_directory(settings: &Value) -> Value {
    json!({
        "name": "Globex",
        "type": "entra",
        "entra": {"tenant_id": ENTRA, "domain": "globex.example", "service_principal_id": PRINCIPAL},
        "settings": settings,
    })
}

/// An organization of a tenant that has verified a domain. Returns its id.
pub(crate) async fn organization_with_domain(world: &World, tenant: &str, domain: &str) -> String {
    let owner = world.user_of(tenant, "boss");
    let id = world.organization(&owner, "Head office").await;
    verified(world, &owner, &id, domain).await;
    id
}

/// Creates the directory of `globex`. Returns its path and the organization of its domain.
async fn created(world: &World, settings: impl Fn(&str) -> Value) -> (String, String) {
    let office = organization_with_domain(world, GLOBEX, "globex.example").await;
    let root = world.tenant_admin_of(GLOBEX);
    let body = new_directory(&settings(&office));
    let made = root.post("/directories", body).await.expect(201);
    (made.headers["location"].clone(), office)
}

/// Sends a request to the stack outside the API.
pub(crate) async fn send(world: &World, method: Method, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", world.stack.url());
    let request = reqwest::Client::new().request(method, url);
    let reply = request.body(body.to_string()).send().await.unwrap();
    assert!(reply.status().is_success(), "{reply:?}");
    let text = reply.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Signs in a user of the local Entra. Returns the log line of the sync.
async fn sign_in(world: &World, tenant: &str, user: &str) -> Value {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let all = [&sample["users"], &sample["other_tenants"][0]["users"]];
    let mut users = all.iter().flat_map(|users| users.as_array().unwrap());
    let found = users.find(|one| one["user_id"] == user).unwrap();
    let event = json!({"triggerSource": "PostLogin", "tenantId": tenant, "userId": user,
        "email": found["email"], "entraObjectId": found["id"]});
    let url = format!(
        "{}/2015-03-31/functions/post-login/invocations",
        world.stack.url()
    );
    let request = reqwest::Client::new().post(url).body(event.to_string());
    let request = request.header("x-amz-log-type", "Tail");
    let answer = request.send().await.unwrap();
    let log = STANDARD.decode(answer.headers()["x-amz-log-result"].as_bytes());
    assert_eq!(answer.json::<Value>().await.unwrap(), event);
    let log = String::from_utf8(log.unwrap()).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.filter(|line| line["message"] == "login sync");
    lines.next().expect("a line of the login sync")
}

/// The claims of a new token of a user.
async fn claims(world: &World, tenant: &str, user: &str) -> Value {
    let body = json!({"user_id": user, "tenant_id": tenant});
    let answer = send(world, Method::POST, "/_local/token", &body).await;
    let token = answer["access_token"].as_str().unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    serde_json::from_slice(&claims.unwrap()).unwrap()
}

/// The organizations of a user: name, role and source.
async fn organizations(actor: &Actor) -> Vec<String> {
    let all = actor.all("/users/me/organizations").await;
    let texts = all.iter().map(|one| {
        let part = |pointer: &str| one.pointer(pointer).unwrap().as_str().unwrap();
        let [name, role, source] = ["/organization/name", "/role", "/source"].map(part);
        format!("{name}: {role} {source}")
    });
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts
}

/// Changes the members of a group in the Entra tenant of `globex`.
async fn set_members(world: &World, group: &str, members: &[&str]) {
    let mut all = send(world, Method::GET, ENTRA_PATH, &Value::Null).await;
    set(&mut all["other_tenants"][0]["groups"], group, members);
    send(world, Method::PUT, ENTRA_PATH, &all).await;
}

/// Sets the members of a group of an Entra tenant.
fn set(groups: &mut Value, group: &str, members: &[&str]) {
    let groups = groups.as_array_mut().unwrap();
    let group = groups.iter_mut().find(|one| one["id"] == group).unwrap();
    group["members"] = json!(members);
}

#[tokio::test]
async fn two_tenants_follow_two_directories_at_once() {
    let world = World::start().await;
    let settings = |office: &str| {
        json!({
            "create_organizations": true,
            "default_role": "member",
            "group_filter": {"prefix": "App-"},
            "group_map": {LEADS: {"organization_id": office, "role": "admin"}},
            "tenant_admin_groups": [LEADS],
        })
    };
    let (_, office) = created(&world, settings).await;
    let (alan, homer, hank) = join3(
        sign_in(&world, "acme", "alan"),
        sign_in(&world, GLOBEX, "homer"),
        sign_in(&world, GLOBEX, "hank"),
    )
    .await;
    for line in [&alan, &homer, &hank] {
        assert_eq!(line["outcome"], "synced", "{line}");
    }
    let of = |tenant: &str, user: &str| world.user_of(tenant, user);
    assert_eq!(
        organizations(&of("acme", "alan")).await,
        [
            "Compilers: internal_user entra",
            "Research: internal_user entra"
        ]
    );
    // The filter leaves his third group out.
    assert_eq!(
        organizations(&of(GLOBEX, "homer")).await,
        ["App-Nuclear: member entra"]
    );
    assert_eq!(
        organizations(&of(GLOBEX, "hank")).await,
        ["App-Nuclear: member entra", "Head office: admin entra"]
    );
    // The mapped group has no organization and no team of its own.
    let root = world.tenant_admin_of(GLOBEX);
    root.get(&format!("/organizations/{LEADS}"))
        .await
        .expect(404);
    root.get(&format!("/teams/{LEADS}")).await.expect(404);
    // Each tenant has its own organizations alone.
    root.get("/organizations/cdb555e3-b33e-4fd5-a427-17fadacb0001")
        .await
        .expect(404);
    let acme = world.tenant_admin();
    acme.get(&format!("/organizations/{NUCLEAR}"))
        .await
        .expect(404);
    assert_eq!(claims(&world, GLOBEX, "hank").await["tenant_admin"], true);
    for (tenant, user) in [(GLOBEX, "homer"), ("acme", "alan")] {
        let claims = claims(&world, tenant, user).await;
        assert_eq!(claims.get("tenant_admin"), None, "{user}");
    }
    let events = root.all("/events?type=membership.added").await;
    let given = events
        .iter()
        .filter(|event| event["organization_id"] == office.as_str())
        .find(|event| event["actor"]["type"] == "directory")
        .unwrap();
    assert_eq!(given["context"]["group_id"], LEADS);

    // Out of the group, and both rights of it are gone.
    set_members(&world, LEADS, &[]).await;
    let left = sign_in(&world, GLOBEX, "hank").await;
    assert_eq!(left["outcome"], "synced", "{left}");
    assert_eq!(
        organizations(&of(GLOBEX, "hank")).await,
        ["App-Nuclear: member entra"]
    );
    let claims = claims(&world, GLOBEX, "hank").await;
    assert_eq!(claims.get("tenant_admin"), None);
    let changed = root.all("/events?type=user.updated").await;
    let admin = changed
        .iter()
        .map(|event| &event["changes"]["tenant_admin"]["to"]);
    let admin: Vec<_> = admin.filter(|to| !to.is_null()).collect();
    // Newest first.
    assert_eq!(admin, [&json!(false), &json!(true)]);
    let again = sign_in(&world, GLOBEX, "hank").await;
    assert_eq!(again["outcome"], "unchanged", "{again}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_paused_directory_holds_up_no_login_and_takes_nothing() {
    let world = World::start().await;
    let (path, _) = created(&world, |_| json!({"create_organizations": true})).await;
    sign_in(&world, GLOBEX, "hank").await;
    let before = organizations(&world.user_of(GLOBEX, "hank")).await;
    assert_eq!(before.len(), 2, "{before:?}");
    let root = world.tenant_admin_of(GLOBEX);
    let paused = root.patch(&path, json!({"status": "paused"})).await;
    assert_eq!(paused.expect(200).body["status_reason"], "requested");
    set_members(&world, LEADS, &[]).await;
    set_members(&world, NUCLEAR, &[]).await;

    // A function that has not kept the directory.
    let world = redeployed(&world).await;
    let line = sign_in(&world, GLOBEX, "hank").await;
    assert_eq!(line["outcome"], "skipped", "{line}");
    assert_eq!(line["reason"], "directory-paused");
    assert_eq!(organizations(&world.user_of(GLOBEX, "hank")).await, before);
    // The default directory is not followed in its place.
    assert_eq!(line["GroupsRead"], 0);
}

#[tokio::test]
async fn a_directory_costs_one_read_and_no_round_trip_more() {
    let world = World::start().await;
    // The first login of a function reads the table for the tenant's directory; the next ones do not.
    let cold = sign_in(&world, "acme", "grace").await;
    let warm = sign_in(&world, "acme", "grace").await;
    let again = sign_in(&world, "acme", "grace").await;
    assert_eq!(warm["calls"], again["calls"], "{warm}");
    assert_eq!(warm["round_trips"], 1, "{warm}");
    let settled = redeployed(&world).await;
    let first = sign_in(&settled, "acme", "grace").await;
    let calls = |line: &Value| line["calls"].as_u64().unwrap();
    assert_eq!(calls(&first), calls(&warm) + 1, "{first} {cold}");
    assert_eq!(first["round_trips"], warm["round_trips"], "{first}");
}

#[tokio::test]
async fn a_directory_of_the_tenant_costs_a_login_no_round_trip() {
    const COMPILERS: &str = "cdb555e3-b33e-4fd5-a427-17fadacb0001";
    let world = World::start().await;
    created(&world, |_| json!({"create_organizations": true})).await;
    for (tenant, user) in [("acme", "alan"), (GLOBEX, "hank"), (GLOBEX, "homer")] {
        sign_in(&world, tenant, user).await;
    }
    sign_in(&world, "acme", "edsger").await;
    let round_trips = async |tenant: &str, user: &str, outcome: &str| {
        let line = sign_in(&world, tenant, user).await;
        assert_eq!(line["outcome"], outcome, "{line}");
        line["round_trips"].as_u64().unwrap()
    };
    let quiet = round_trips("acme", "edsger", "unchanged").await;
    assert_eq!(round_trips(GLOBEX, "homer", "unchanged").await, quiet);
    // Into a group, and out of it.
    for is_in in [true, false] {
        let mut all = send(&world, Method::GET, ENTRA_PATH, &Value::Null).await;
        let members = usize::from(is_in) + 1;
        set(
            &mut all["groups"],
            COMPILERS,
            &["alan", "edsger"][..members],
        );
        let others = &mut all["other_tenants"][0]["groups"];
        set(others, LEADS, &["hank", "homer"][..members]);
        send(&world, Method::PUT, ENTRA_PATH, &all).await;
        let changed = round_trips("acme", "edsger", "synced").await;
        assert_eq!(
            round_trips(GLOBEX, "homer", "synced").await,
            changed,
            "{is_in}"
        );
    }
}

/// The same table and the same Entra with functions that have kept nothing.
async fn redeployed(world: &World) -> World {
    let stack = &world.stack;
    let entra = format!("{}/_local/entra", stack.url());
    let mut options = muster_local::Options::default();
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let application = |name: &str| sample["application"][name].as_str().unwrap().to_owned();
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_url().to_owned()),
        ("TABLE_NAME", stack.table_name().to_owned()),
        ("MICROSOFT_GRAPH_ENDPOINT", format!("{entra}/v1.0")),
        (
            "MICROSOFT_TOKEN_ENDPOINT",
            format!("{entra}/{{tenant}}/oauth2/v2.0/token"),
        ),
        ("MICROSOFT_TENANT", application("tenant")),
        ("MICROSOFT_CLIENT_ID", application("client_id")),
        ("MICROSOFT_CLIENT_SECRET", application("client_secret")),
        (
            "MICROSOFT_SERVICE_PRINCIPAL_ID",
            application("service_principal_id"),
        ),
        ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    options.variables.extend(variables);
    World::with(options).await
}
