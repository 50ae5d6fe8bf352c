//! Runs: what a directory takes away and gives without a login.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{World, invariants};

use super::{GLOBEX, LEADS, NUCLEAR, claims, created, organizations, send, set_members, sign_in};

const PATH: &str = "/_local/entra/directory";
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
    let timer = "/_local/timers/schedule-reconciles";
    let scheduled = send(world, Method::POST, timer, &Value::Null).await;
    assert_eq!(scheduled["result"]["failed"], 0, "{scheduled}");
    next_run(world, path, known).await
}

async fn runs(world: &World, path: &str) -> Vec<Value> {
    let root = world.tenant_admin_of(GLOBEX);
    root.all(&format!("{path}/runs")).await
}

/// Changes the Entra tenant of `globex`.
async fn change(world: &World, change: impl Fn(&mut Value)) {
    let mut all = send(world, Method::GET, PATH, &Value::Null).await;
    change(&mut all["other_tenants"][0]);
    send(world, Method::PUT, PATH, &all).await;
}

/// Changes what is wrong with the answers of Entra.
async fn set_faults(world: &World, faults: &Value) {
    let mut all = send(world, Method::GET, PATH, &Value::Null).await;
    all["faults"] = faults.clone();
    send(world, Method::PUT, PATH, &all).await;
}

fn all_groups(_: &str) -> Value {
    json!({"create_organizations": true, "group_filter": {"prefix": "App-"},
        "tenant_admin_groups": [LEADS]})
}

#[tokio::test]
async fn who_leaves_a_group_loses_access_without_a_login() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
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
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
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
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
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
async fn a_run_that_would_end_too_much_is_blocked_and_confirmed() {
    let world = started().await;
    let settings = |office: &str| {
        let mut settings = all_groups(office);
        settings["removal_limit"] = json!({"percent": 20, "count": 1});
        settings
    };
    let (path, _) = created(&world, settings).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let blocked = run(&world, &path).await;
    assert_eq!(blocked["outcome"], "run_blocked", "{blocked}");
    assert_eq!(blocked["numbers"]["memberships_ended"], 0, "{blocked}");
    assert_eq!(blocked["numbers"]["memberships_held_back"], 4, "{blocked}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
    // Nor does a login take it away: a function reads the directory again after a minute.
    let redeployed = super::redeployed(&world).await;
    let line = sign_in(&redeployed, GLOBEX, "homer").await;
    assert_eq!(line["reason"], "removal-limit", "{line}");
    assert_eq!(organizations(&homer).await.len(), 1);
    let again = run(&world, &path).await;
    assert_eq!(again["outcome"], "run_blocked", "{again}");
    let root = world.tenant_admin_of(GLOBEX);
    let events = root.all("/events?type=directory.run_blocked").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["changes"]["run_id"]["to"], blocked["id"]);

    // A dry run says what the run would do.
    let sync = format!("{path}/sync");
    let plan = root.post(&sync, json!({"dry_run": true})).await.expect(200);
    let plan = plan.body["plan"].clone();
    assert_eq!(plan["is_blocked"], true, "{plan}");
    assert_eq!(plan["memberships_lost"], 4, "{plan}");
    assert_eq!(plan["users"][1]["loses"][0]["group_id"], NUCLEAR, "{plan}");

    // The run that it was, not another one.
    let old = json!({"confirm": blocked["id"]});
    root.post(&sync, old)
        .await
        .problem(400, "validation-failed");
    let known = runs(&world, &path).await.len();
    let confirm = json!({"confirm": again["id"]});
    root.post(&sync, confirm).await.expect(200);
    let done = next_run(&world, &path, known).await;
    assert_eq!(done["outcome"], "synced", "{done}");
    assert_eq!(done["numbers"]["memberships_ended"], 4, "{done}");
    assert_eq!(done["requested_by"], "root");
    assert!(organizations(&homer).await.is_empty());
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn lost_consent_breaks_the_directory_and_takes_nothing() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    let forbidden = json!([{"on": "group-changes", "status": 403,
        "body": {"error": {"code": "Authorization_RequestDenied", "message": ""}}}]);
    set_faults(&world, &forbidden).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "broken");
    assert_eq!(shown["status_reason"], broken["reason"]);
    let reason = broken["reason"].as_str().unwrap();
    assert!(reason.contains("GroupMember.Read.All"), "{reason}");
    let events = root.all("/events?type=directory.broken").await;
    assert_eq!(events.len(), 1);
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
    root.post(&format!("{path}/sync"), json!({}))
        .await
        .problem(409, "conflict");

    // Consent is given again.
    set_faults(&world, &json!([])).await;
    root.patch(&path, json!({"status": "active"}))
        .await
        .expect(200);
    let good = run(&world, &path).await;
    assert_eq!(good["outcome"], "unchanged", "{good}");
}

#[tokio::test]
async fn an_emptied_application_is_a_failed_read() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "hank").await;
    run(&world, &path).await;
    change(&world, |entra| entra["assignments"] = json!([])).await;
    let failed = run(&world, &path).await;
    assert_eq!(failed["outcome"], "failed", "{failed}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
}

/// Makes a run in one invocation. Returns its log line.
async fn measured(world: &World, path: &str) -> Value {
    let id = path.strip_prefix("/directories/").unwrap();
    let task = json!({"tenant_id": GLOBEX, "directory_id": id}).to_string();
    let batch = json!({"Records": [{"messageId": "1", "body": task}]});
    let url = format!(
        "{}/2015-03-31/functions/reconcile-directory/invocations",
        world.stack.url()
    );
    let request = reqwest::Client::new().post(url).body(batch.to_string());
    let request = request.header("x-amz-log-type", "Tail");
    let answer = request.send().await.unwrap();
    let log = STANDARD.decode(answer.headers()["x-amz-log-result"].as_bytes());
    let log = String::from_utf8(log.unwrap()).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.filter(|line| line["message"] == "reconcile directories");
    lines.next().expect("a line of the run")
}

#[tokio::test]
async fn a_quiet_run_reads_the_changes_and_no_user() {
    let world = World::start().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    measured(&world, &path).await;
    let few = measured(&world, &path).await;
    // Thirty more, who have signed in once.
    let ids: Vec<_> = (0..30).map(|n| format!("clerk-{n:02}")).collect();
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        for (n, id) in ids.iter().enumerate() {
            users.push(
                json!({"id": format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}"), "user_id": id,
                "display_name": id, "email": format!("{id}@globex.example")}),
            );
        }
    })
    .await;
    let root = world.tenant_admin_of(GLOBEX);
    for (n, id) in ids.iter().enumerate() {
        let body = json!({"entra_object_id": format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}")});
        root.put(&format!("/users/{id}"), body).await.expect(201);
    }
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    measured(&world, &path).await;
    let many = measured(&world, &path).await;
    for line in [&few, &many] {
        assert_eq!(line["DirectoryRuns"], 1, "{line}");
        assert_eq!(line["users_read"], 0, "{line}");
    }
    assert_eq!(few["units"], many["units"], "{few} {many}");
    assert_eq!(few["calls"], many["calls"], "{few} {many}");
    let calls = async || runs(&world, &path).await[0]["numbers"]["graph_calls"].clone();
    // The assignments, the changes of groups, and those of accounts.
    assert_eq!(calls().await, 3);
    // One change is read for one user alone.
    set_members(&world, NUCLEAR, &["hank", "homer", "clerk-00"]).await;
    let one = measured(&world, &path).await;
    assert_eq!(one["users_read"], 1, "{one}");
    assert_eq!(one["RunMembershipsMade"], 2, "{one}");
    assert_eq!(calls().await, 4);
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
async fn what_graph_cannot_say_takes_nothing_away() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    let all = [
        "App-Leads: internal_user entra",
        "App-Nuclear: internal_user entra",
    ];
    let hank = world.user_of(GLOBEX, "hank");
    set_members(&world, NUCLEAR, &["hank"]).await;
    for (fault, outcome) in [
        (json!({"on": "group-changes", "status": 503}), "failed"),
        (
            json!({"on": "group-changes", "status": 200, "body": "no JSON"}),
            "failed",
        ),
        (json!({"on": "assigned-groups", "omit_rows": 1}), "failed"),
        (json!({"on": "user-groups", "omit_rows": 1}), "partial"),
    ] {
        set_faults(&world, &json!([fault])).await;
        let ended = run(&world, &path).await;
        assert_eq!(ended["outcome"], outcome, "{fault}: {ended}");
        assert!(ended["reason"].is_string(), "{fault}: {ended}");
        assert_eq!(ended["numbers"]["memberships_ended"], 0, "{fault}: {ended}");
        assert_eq!(organizations(&hank).await, all, "{fault}");
    }
    set_faults(&world, &json!([])).await;
    // What could not be read before is read now.
    let ended = run(&world, &path).await;
    assert_eq!(ended["numbers"]["memberships_ended"], 2, "{ended}");
}

#[tokio::test]
async fn an_expired_link_makes_the_next_run_complete() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &["hank"]).await;
    let gone = json!({"on": "group-changes", "status": 410, "calls": [1],
        "body": {"error": {"code": "resyncRequired", "message": ""}}});
    set_faults(&world, &json!([gone])).await;
    let ended = run(&world, &path).await;
    assert_eq!(ended["kind"], "complete", "{ended}");
    assert_eq!(ended["numbers"]["memberships_ended"], 2, "{ended}");
    set_faults(&world, &json!([])).await;
    assert_eq!(run(&world, &path).await["kind"], "changes");
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
async fn a_refused_token_fails_the_run_or_breaks_the_directory() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "hank").await;
    for (error, outcome) in [
        // The secret has expired.
        (7_000_222, "failed"),
        // The service principal is missing.
        (7_000_229, "broken"),
        // The application was not found.
        (700_016, "broken"),
    ] {
        let body = json!({"error": "invalid_client", "error_codes": [error]});
        set_faults(
            &world,
            &json!([{"on": "token", "status": 400, "body": body}]),
        )
        .await;
        let ended = run(&world, &path).await;
        assert_eq!(ended["outcome"], outcome, "{error}: {ended}");
        let reason = ended["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("AADSTS{error}")), "{reason}");
        let root = world.tenant_admin_of(GLOBEX);
        root.patch(&path, json!({"status": "active"}))
            .await
            .expect(200);
    }
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
}
