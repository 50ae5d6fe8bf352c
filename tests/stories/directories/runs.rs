//! Runs: what a directory takes away and gives without a login.

mod accounts;
mod continued;
mod cost;
mod effect;
mod failures;
mod large;
mod leases;
mod limits;
mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use muster::domain::Clock;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{World, invariants};

use super::{
    ENTRA_PATH, GLOBEX, LEADS, NUCLEAR, claims, created, organizations, send, set_members, sign_in,
};

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A world whose queues are read.
async fn started() -> World {
    World::with(Options {
        event_sources: true,
        ..Options::default()
    })
    .await
}

/// Such a world with a directory of these settings, in which hank and homer have signed in. Returns it, and the path of
/// the directory.
async fn both_signed_in(settings: impl Fn(&str) -> Value) -> (World, String) {
    let world = started().await;
    let (path, _) = created(&world, settings).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    (world, path)
}

/// Waits for a run after the last known one. Returns it.
async fn next_run(world: &World, path: &str, known: usize) -> Value {
    let root = world.tenant_admin_of(GLOBEX);
    let waited = async {
        loop {
            let runs = root.all(&format!("{path}/runs")).await;
            if runs.len() > known {
                return runs[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("a run")
}

/// Runs the timer, and returns the run of the directory.
pub(crate) async fn run(world: &World, path: &str) -> Value {
    let known = runs(world, path).await.len();
    let scheduled = scheduled(world).await;
    assert_eq!(scheduled["failed"], 0, "{scheduled}");
    next_run(world, path, known).await
}

async fn runs(world: &World, path: &str) -> Vec<Value> {
    let root = world.tenant_admin_of(GLOBEX);
    root.all(&format!("{path}/runs")).await
}

/// Changes the Entra tenant of `globex`.
async fn change(world: &World, change: impl Fn(&mut Value)) {
    let mut all = send(world, Method::GET, ENTRA_PATH, &Value::Null).await;
    change(&mut all["other_tenants"][0]);
    send(world, Method::PUT, ENTRA_PATH, &all).await;
}

/// Changes what is wrong with the answers of Entra.
async fn set_faults(world: &World, faults: &Value) {
    let mut all = send(world, Method::GET, ENTRA_PATH, &Value::Null).await;
    all["faults"] = faults.clone();
    send(world, Method::PUT, ENTRA_PATH, &all).await;
}

/// Runs the timer. Returns what it counted.
async fn scheduled(world: &World) -> Value {
    let timer = "/_local/timers/schedule-reconciles";
    let mut answer = send(world, Method::POST, timer, &Value::Null).await;
    answer["result"].take()
}

/// A world whose clock can be set ahead, by milliseconds, of the one that ends invocations.
async fn with_clock() -> (World, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let (given, machine) = (Arc::clone(&ahead), Clock::system());
    let clock = Clock::from_fn(move || {
        let ahead = Duration::from_millis(given.load(Ordering::SeqCst).unsigned_abs());
        (machine.now().after(ahead), machine.new_id())
    });
    let world = World::with(Options {
        clock,
        ..Options::default()
    })
    .await;
    (world, ahead)
}

/// Graph refuses these endpoints.
fn forbidden(endpoints: &[&str]) -> Value {
    let body = json!({"error": {"code": "Authorization_RequestDenied", "message": ""}});
    let all = endpoints.iter();
    all.map(|on| json!({"on": on, "status": 403, "body": body}))
        .collect()
}

/// Settings of a directory that ends so many memberships without a confirmation.
fn at_most(percent: u32, count: u32) -> impl Fn(&str) -> Value {
    move |office| {
        let mut settings = all_groups(office);
        settings["removal_limit"] = json!({"percent": percent, "count": count});
        settings
    }
}

fn all_groups(_: &str) -> Value {
    json!({"create_organizations": true, "group_filter": {"prefix": "App-"},
        "tenant_admin_groups": [LEADS]})
}

#[tokio::test]
async fn who_leaves_a_group_loses_access_without_a_login() {
    let (world, path) = both_signed_in(all_groups).await;
    let first = run(&world, &path).await;
    assert_eq!(first["kind"], "complete", "{first}");
    assert_eq!(first["outcome"], "unchanged", "{first}");
    assert_eq!(first["numbers"]["users_read"], 2, "{first}");
    let quiet = run(&world, &path).await;
    assert_eq!(quiet["kind"], "changes", "{quiet}");
    assert_eq!(quiet["outcome"], "unchanged", "{quiet}");
    assert_eq!(quiet["numbers"]["users_read"], 0, "{quiet}");

    set_members(&world, NUCLEAR, &["hank"]).await;
    let left = run(&world, &path).await;
    assert_eq!(left["kind"], "changes", "{left}");
    assert_eq!(left["outcome"], "synced", "{left}");
    assert_eq!(left["numbers"]["memberships_ended"], 2, "{left}");
    assert_eq!(left["numbers"]["users_read"], 1, "{left}");
    let homer = world.user_of(GLOBEX, "homer");
    assert!(organizations(&homer).await.is_empty());
    let root = world.tenant_admin_of(GLOBEX);
    let events = root.all("/events?type=membership.removed").await;
    assert_eq!(events[0]["context"]["request_id"], left["id"]);
    assert_eq!(events[0]["context"]["operation"], "reconcileDirectory");
    assert_eq!(events[0]["actor"]["type"], "directory");
    assert_eq!(root.all(left["events"].as_str().unwrap()).await.len(), 2);
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["last_run"], left);

    // Back in the group: they are back here too, without a login.
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    let back = run(&world, &path).await;
    assert_eq!(back["numbers"]["memberships_made"], 2, "{back}");
    assert_eq!(
        organizations(&homer).await,
        ["App-Nuclear: internal_user entra"]
    );
    // Out of the group of the tenant admins.
    assert_eq!(claims(&world, GLOBEX, "hank").await["tenant_admin"], true);
    set_members(&world, LEADS, &[]).await;
    run(&world, &path).await;
    let claims = claims(&world, GLOBEX, "hank").await;
    assert_eq!(claims.get("tenant_admin"), None);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_disabled_account_is_disabled_here_until_it_is_enabled() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    let enable = |enabled: bool| {
        move |entra: &mut Value| {
            let users = entra["users"].as_array_mut().unwrap();
            let homer = users.iter_mut().find(|it| it["user_id"] == "homer");
            homer.unwrap()["account_enabled"] = json!(enabled);
        }
    };
    change(&world, enable(false)).await;
    let disabled = run(&world, &path).await;
    assert_eq!(disabled["numbers"]["users_disabled"], 1, "{disabled}");
    let root = world.tenant_admin_of(GLOBEX);
    let status = async || root.get("/users/homer").await.expect(200).body["status"].clone();
    assert_eq!(status().await, "disabled");
    let homer = world.user_of(GLOBEX, "homer");
    let denied = homer.get(&format!("/organizations/{NUCLEAR}")).await;
    denied.problem(403, "user-disabled");
    change(&world, enable(true)).await;
    let enabled = run(&world, &path).await;
    assert_eq!(enabled["numbers"]["users_enabled"], 1, "{enabled}");
    assert_eq!(
        organizations(&homer).await,
        ["App-Nuclear: internal_user entra"]
    );

    // Disabled by hand too, they stay so.
    change(&world, enable(false)).await;
    run(&world, &path).await;
    root.patch("/users/homer", json!({"status": "disabled"}))
        .await
        .expect(200);
    change(&world, enable(true)).await;
    let kept = run(&world, &path).await;
    assert_eq!(kept["numbers"]["users_enabled"], 0, "{kept}");
    assert_eq!(status().await, "disabled");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_deleted_account_is_disabled_here() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        users.retain(|user| user["user_id"] != "homer");
        for group in entra["groups"].as_array_mut().unwrap() {
            let members = group["members"].as_array_mut().unwrap();
            members.retain(|member| member != "homer");
        }
    })
    .await;
    let run = run(&world, &path).await;
    assert_eq!(run["numbers"]["users_disabled"], 1, "{run}");
    assert_eq!(run["numbers"]["failed"], 0, "{run}");
    let root = world.tenant_admin_of(GLOBEX);
    let homer = root.get("/users/homer").await.expect(200).body;
    assert_eq!(homer["status"], "disabled");
}

#[tokio::test]
async fn a_dry_run_is_what_the_run_then_does() {
    let world = started().await;
    let (path, office) = created(&world, |office| {
        let mut settings = all_groups(office);
        settings["group_map"] = json!({LEADS: {"organization_id": office, "role": "manager"}});
        settings
    })
    .await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    // Hank leaves one group, and homer comes into the other one.
    set_members(&world, NUCLEAR, &["homer"]).await;
    set_members(&world, LEADS, &["hank", "homer"]).await;
    let root = world.tenant_admin_of(GLOBEX);
    let dry = json!({"dry_run": true});
    let sync = format!("{path}/sync");
    let plan = root.post(&sync, dry.clone()).await.expect(200).body["plan"].clone();
    assert_eq!(plan["is_complete"], true, "{plan}");
    let again = root.post(&sync, dry.clone()).await.expect(200);
    assert_eq!(again.body["plan"], plan, "nothing was changed");
    let users = plan["users"].as_array().unwrap();
    let [hank, homer] = &users[..] else {
        panic!("{plan}");
    };
    let nuclear = |place: &str| json!({"group_id": NUCLEAR, place: NUCLEAR});
    for (found, expected) in [
        (&hank["loses"][0], nuclear("organization_id")),
        (&hank["loses"][1], nuclear("team_id")),
        (
            &homer["gains"][0],
            json!({"group_id": LEADS, "organization_id": office, "role": "manager"}),
        ),
        (homer, json!({"user_id": "homer", "tenant_admin": true})),
    ] {
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&found[name], value, "{name} of {found} in {plan}");
        }
    }
    let done = run(&world, &path).await;
    let numbers = &done["numbers"];
    assert_eq!(
        numbers["memberships_ended"], plan["memberships_lost"],
        "{done}"
    );
    assert_eq!(
        numbers["memberships_made"], plan["memberships_gained"],
        "{done}"
    );
    let after = root.post(&sync, dry).await.expect(200).body["plan"].clone();
    assert_eq!(after["users"], json!([]), "{after}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn users_of_an_earlier_release_are_found_by_their_account() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    // As an earlier release left the table.
    let (client, table) = (world.stack.client(), world.stack.table_name());
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let entry = client.delete_item().table_name(table);
    let entry = entry.key("pk", text(&format!("TENANT#{GLOBEX}#USER#homer")));
    entry.key("sk", text("ACCOUNT")).send().await.unwrap();
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let ended = run(&world, &path).await;
    assert_eq!(ended["kind"], "changes", "{ended}");
    assert_eq!(ended["numbers"]["memberships_ended"], 2, "{ended}");
}

#[tokio::test]
async fn an_account_of_another_directory_disables_no_one() {
    let (world, path) = both_signed_in(all_groups).await;
    let root = world.tenant_admin_of(GLOBEX);
    // One of another Entra tenant, one that cannot be an id of Entra, and one in capitals.
    let homer = "9E3F5B7D-1A2C-4D6E-8F90-2B4D6F8A0002";
    for (user, account) in [
        ("guest", "11111111-2222-4333-8444-555555555555"),
        ("odd", "it's not an id"),
        ("homer", homer),
    ] {
        let body = json!({"entra_object_id": account});
        let put = root.put(&format!("/users/{user}"), body).await;
        assert!(put.status < 300 || user == "odd", "{put:?}");
    }
    let first = run(&world, &path).await;
    assert_eq!(first["kind"], "complete", "{first}");
    assert_eq!(first["outcome"], "unchanged", "{first}");
    assert_eq!(first["numbers"]["memberships_given"], 6, "{first}");
    for user in ["guest", "homer"] {
        let shown = root.get(&format!("/users/{user}")).await.expect(200).body;
        assert_eq!(shown["status"], "enabled", "{shown}");
    }
    // Seen once, it is missed when it is gone, also by a run that reads everything.
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        users.retain(|user| user["user_id"] != "homer");
        for group in entra["groups"].as_array_mut().unwrap() {
            let members = group["members"].as_array_mut().unwrap();
            members.retain(|member| member != "homer");
        }
    })
    .await;
    let lower = json!({"settings": {"default_role": "readonly"}});
    root.patch(&path, lower).await.expect(200);
    let second = run(&world, &path).await;
    assert_eq!(second["kind"], "complete", "{second}");
    assert_eq!(second["numbers"]["users_disabled"], 1, "{second}");
    let shown = root.get("/users/homer").await.expect(200).body;
    assert_eq!(shown["status"], "disabled", "{shown}");
    invariants::check(&world.items().await);
}
