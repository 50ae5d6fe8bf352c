//! Runs that take longer than an invocation, or than the right to run.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use support::{World, invariants};

use super::cost::measured;
use super::{all_groups, at_most, change, runs, scheduled, set_faults, with_clock};
use crate::directories::{GLOBEX, LEADS, NUCLEAR, created, set_members, sign_in};

/// More users than are handled before the progress is saved.
const CLERKS: usize = 120;
/// So far ahead, an invocation has some seconds for its run: of its 15 minutes, 15 seconds are left for the log line
/// and 20 for the users who are handled.
const NEARLY_OVER: i64 = 863_000;

fn clerk(n: usize) -> String {
    format!("clerk-{n:03}")
}

fn account(n: usize) -> String {
    format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}")
}

/// Adds users to the Entra tenant who are known here.
async fn add_clerks(world: &World) {
    change(world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        users.extend((0..CLERKS).map(|n| {
            json!({"id": account(n), "user_id": clerk(n), "display_name": clerk(n),
                "email": format!("{}@globex.example", clerk(n))})
        }));
    })
    .await;
    let root = world.tenant_admin_of(GLOBEX);
    for n in 0..CLERKS {
        let body = json!({"entra_object_id": account(n)});
        let path = format!("/users/{}", clerk(n));
        root.put(&path, body).await.expect(201);
    }
}

#[tokio::test]
async fn a_run_without_time_left_is_continued() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    add_clerks(&world).await;
    measured(&world, &path).await;

    let clerks: Vec<_> = (0..CLERKS).map(clerk).collect();
    let mut members: Vec<_> = clerks.iter().map(String::as_str).collect();
    set_members(&world, NUCLEAR, &members).await;
    set_faults(&world, &json!([{"on": "user-groups", "delay_ms": 300}])).await;
    ahead.store(NEARLY_OVER, Ordering::SeqCst);
    let first = measured(&world, &path).await;
    assert_eq!(first["DirectoryRunsContinued"], 1, "{first}");
    assert_eq!(runs(&world, &path).await.len(), 1, "it is not over");
    ahead.store(0, Ordering::SeqCst);
    set_faults(&world, &json!([])).await;

    // Who is done leaves again before the rest is done.
    members.remove(0);
    set_members(&world, NUCLEAR, &members).await;
    let second = measured(&world, &path).await;
    assert_eq!(second["DirectoryRuns"], 1, "{second}");
    let run = runs(&world, &path).await[0].clone();
    assert_eq!(run["kind"], "changes", "{run}");
    assert_eq!(run["numbers"]["users_read"], CLERKS, "{run}");
    assert_eq!(run["numbers"]["memberships_made"], 2 * CLERKS, "{run}");

    let third = measured(&world, &path).await;
    assert_eq!(third["users_read"], 1, "{third}");
    assert_eq!(third["RunMembershipsEnded"], 2, "{third}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_run_that_waits_for_graph_keeps_its_right_to_run() {
    let world = World::start().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    let throttled = json!({"on": "user-groups", "status": 429, "retry_after": 24, "calls": [1]});
    set_faults(&world, &json!([throttled])).await;
    let until = async || {
        let items = world.items().await;
        let mut found = items.iter().filter_map(|item| item.get("lease_until"));
        found.next().map(|until| until.as_str().unwrap().to_owned())
    };
    let looks = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let first = until().await;
        tokio::time::sleep(Duration::from_secs(17)).await;
        (first, until().await)
    };
    let (line, (first, later)) = tokio::join!(measured(&world, &path), looks);
    assert_eq!(line["DirectoryRuns"], 1, "{line}");
    assert!(first.is_some() && later > first, "{first:?} {later:?}");
}

#[tokio::test]
async fn runs_let_graph_answer_logins_first() {
    let world = World::start().await;
    let (path, _) = created(&world, all_groups).await;
    let busy = json!([{"on": "user-groups", "status": 503, "low_priority": true}]);
    set_faults(&world, &busy).await;
    let login = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(login["outcome"], "synced", "{login}");
    let run = measured(&world, &path).await;
    assert_eq!(run["users_failed"], Value::Null, "{run}");
    assert_eq!(run["DirectoryUsersFailed"], 1, "{run}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_late() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    measured(&world, &path).await;
    let late = async || scheduled(&world).await["late"].clone();
    assert_eq!(late().await, 0);
    // Three times ReconcileMinutes, with runs that fail.
    set_faults(&world, &json!([{"on": "group-changes", "status": 500}])).await;
    for minutes in [15, 30, 46] {
        ahead.store(minutes * 60_000, Ordering::SeqCst);
        let failed = measured(&world, &path).await;
        assert_eq!(failed["DirectoryRunsFailed"], 1, "{failed}");
    }
    assert_eq!(late().await, 1);
    set_faults(&world, &json!([])).await;
    measured(&world, &path).await;
    assert_eq!(late().await, 0);
}

#[tokio::test]
async fn a_blocked_or_partial_run_has_read_the_directory() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, at_most(20, 1)).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    measured(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    ahead.store(46 * 60_000, Ordering::SeqCst);
    let blocked = measured(&world, &path).await;
    assert_eq!(blocked["DirectoriesBlocked"], 1, "{blocked}");
    assert_eq!(scheduled(&world).await["late"], 0);
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    set_members(&world, LEADS, &["hank", "homer"]).await;
    let fault = json!([{"on": "user-groups", "user": "homer", "omit_rows": 1}]);
    set_faults(&world, &fault).await;
    ahead.store(92 * 60_000, Ordering::SeqCst);
    let partial = measured(&world, &path).await;
    assert_eq!(partial["DirectoryUsersFailed"], 1, "{partial}");
    assert_eq!(scheduled(&world).await["late"], 0);
}

/// The users from whom something is taken away are found by the first pass, and taken away from by the second.
#[tokio::test]
async fn a_second_pass_without_time_left_is_continued() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, at_most(100, 0)).await;
    let clerks: Vec<_> = (0..CLERKS).map(clerk).collect();
    add_clerks(&world).await;
    let members: Vec<_> = clerks.iter().map(String::as_str).collect();
    set_members(&world, NUCLEAR, &members).await;
    measured(&world, &path).await;

    set_members(&world, NUCLEAR, &[]).await;
    let root = world.tenant_admin_of(GLOBEX);
    let lower = json!({"settings": {"default_role": "readonly"}});
    root.patch(&path, lower).await.expect(200);
    let of_the_second: Vec<_> = (CLERKS + 1..3 * CLERKS).collect();
    let slow = json!([{"on": "user-groups", "delay_ms": 400, "calls": of_the_second}]);
    set_faults(&world, &slow).await;
    ahead.store(NEARLY_OVER - 4_000, Ordering::SeqCst);
    let first = measured(&world, &path).await;
    assert_eq!(first["DirectoryRunsContinued"], 1, "{first}");
    ahead.store(0, Ordering::SeqCst);
    set_faults(&world, &json!([])).await;
    let second = measured(&world, &path).await;
    assert_eq!(second["DirectoryRuns"], 1, "{second}");
    let run = runs(&world, &path).await[0].clone();
    assert_eq!(run["kind"], "complete", "{run}");
    assert_eq!(run["numbers"]["users_read"], CLERKS, "{run}");
    assert_eq!(run["numbers"]["memberships_ended"], 2 * CLERKS, "{run}");
    assert_eq!(run["numbers"]["memberships_held_back"], 0, "{run}");
    invariants::check(&world.items().await);
}

/// Users who were done before saw the settings that were there when the run began.
#[tokio::test]
async fn settings_changed_during_a_run_make_the_next_one_complete() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    let clerks: Vec<_> = (0..CLERKS).map(clerk).collect();
    add_clerks(&world).await;
    let members: Vec<_> = clerks.iter().map(String::as_str).collect();
    set_members(&world, NUCLEAR, &members).await;
    set_faults(&world, &json!([{"on": "user-groups", "delay_ms": 300}])).await;
    ahead.store(NEARLY_OVER, Ordering::SeqCst);
    let first = measured(&world, &path).await;
    assert_eq!(first["DirectoryRunsContinued"], 1, "{first}");
    ahead.store(0, Ordering::SeqCst);
    set_faults(&world, &json!([])).await;

    let root = world.tenant_admin_of(GLOBEX);
    let lower = json!({"settings": {"default_role": "readonly"}});
    root.patch(&path, lower).await.expect(200);
    let second = measured(&world, &path).await;
    assert_eq!(second["DirectoryRuns"], 1, "{second}");
    let third = measured(&world, &path).await;
    assert_eq!(third["users_read"], CLERKS, "{third}");
    for user in [&clerks[0], &clerks[CLERKS - 1]] {
        let member = format!("/organizations/{NUCLEAR}/members/{user}");
        let shown = root.get(&member).await.expect(200).body;
        assert_eq!(shown["role"], "readonly", "{shown}");
    }
}

#[tokio::test]
async fn everything_is_read_again_after_a_day() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    measured(&world, &path).await;
    for (hours, kind) in [(23, "changes"), (25, "complete"), (26, "changes")] {
        ahead.store(hours * 3_600_000, Ordering::SeqCst);
        measured(&world, &path).await;
        let run = runs(&world, &path).await[0].clone();
        assert_eq!(run["kind"], kind, "{run}");
    }
}

/// An item that cannot be read does not keep the others from their runs.
#[tokio::test]
async fn a_directory_that_cannot_be_parsed_stops_no_other() {
    let world = World::start().await;
    created(&world, all_groups).await;
    let item = json!({"pk": "TENANT#acme#DIRECTORIES", "sk": "DIRECTORY#odd",
        "gsi2pk": "TENANT##RUNS", "gsi2sk": "acme#odd", "id": "odd"});
    let item = item.as_object().unwrap().iter();
    let text = |(name, value): (&String, &serde_json::Value)| {
        let value = AttributeValue::S(value.as_str().unwrap().to_owned());
        (name.clone(), value)
    };
    let put = world.stack.client().put_item();
    let put = put.table_name(world.stack.table_name());
    put.set_item(Some(item.map(text).collect()))
        .send()
        .await
        .unwrap();
    let counted = scheduled(&world).await;
    assert_eq!(counted["queued"], 1, "{counted}");
    assert_eq!(counted["failed"], 1, "{counted}");
}
