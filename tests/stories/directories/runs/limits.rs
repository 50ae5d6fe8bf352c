//! How much one run may take away.

use serde_json::{Value, json};
use support::{World, invariants};

use super::cost::measured;
use super::{
    all_groups, at_most, both_signed_in, change, next_run, run, runs, scheduled, set_faults,
    started,
};
use crate::directories::{GLOBEX, LEADS, NUCLEAR, created, organizations, set_members, sign_in};

#[tokio::test]
async fn a_run_that_would_end_too_much_is_blocked_and_confirmed() {
    let (world, path) = both_signed_in(at_most(20, 1)).await;
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let blocked = run(&world, &path).await;
    assert_eq!(blocked["outcome"], "run_blocked", "{blocked}");
    assert_eq!(blocked["numbers"]["memberships_ended"], 0, "{blocked}");
    assert_eq!(blocked["numbers"]["memberships_held_back"], 4, "{blocked}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
    // Nor does a login take it away: a function reads the directory again after a minute.
    let redeployed = crate::directories::redeployed(&world).await;
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

    // A run that cannot read the directory says nothing about what is held back.
    set_faults(&world, &json!([{"on": "group-changes", "status": 503}])).await;
    assert_eq!(run(&world, &path).await["outcome"], "failed");
    set_faults(&world, &json!([])).await;
    let redeployed = crate::directories::redeployed(&world).await;
    let line = sign_in(&redeployed, GLOBEX, "homer").await;
    assert_eq!(line["reason"], "removal-limit", "{line}");
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["blocked_run_id"], again["id"], "{shown}");

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
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["blocked_run_id"], Value::Null, "{shown}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_corrected_directory_unblocks_itself() {
    let world = started().await;
    let (path, _) = created(&world, at_most(1, 0)).await;
    sign_in(&world, GLOBEX, "homer").await;
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &["hank"]).await;
    assert_eq!(run(&world, &path).await["outcome"], "run_blocked");
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    assert_eq!(run(&world, &path).await["outcome"], "unchanged");
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["blocked_run_id"], Value::Null, "{shown}");
}

#[tokio::test]
async fn lower_roles_do_not_count_as_memberships_that_end() {
    let (world, path) = both_signed_in(|office| {
        let mut settings = all_groups(office);
        settings["default_role"] = json!("manager");
        settings["removal_limit"] = json!({"percent": 1, "count": 0});
        settings
    })
    .await;
    run(&world, &path).await;
    let root = world.tenant_admin_of(GLOBEX);
    let lower = json!({"settings": {"default_role": "readonly"}});
    root.patch(&path, lower).await.expect(200);
    let ended = run(&world, &path).await;
    assert_eq!(ended["outcome"], "synced", "{ended}");
    assert_eq!(ended["numbers"]["roles_changed"], 3, "{ended}");
    assert_eq!(
        organizations(&world.user_of(GLOBEX, "homer")).await,
        ["App-Nuclear: readonly entra"]
    );
}

#[tokio::test]
async fn a_directory_that_is_paused_stops_its_run() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    let root = world.tenant_admin_of(GLOBEX);
    // More users than are handled before the run looks again.
    let ids: Vec<_> = (0..120).map(|n| format!("clerk-{n:03}")).collect();
    let account = |n: usize| format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}");
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        for (n, id) in ids.iter().enumerate() {
            users.push(json!({"id": account(n), "user_id": id, "display_name": id,
                "email": format!("{id}@globex.example")}));
        }
    })
    .await;
    for (n, id) in ids.iter().enumerate() {
        let body = json!({"entra_object_id": account(n)});
        root.put(&format!("/users/{id}"), body).await.expect(201);
    }
    set_faults(&world, &json!([{"on": "user-groups", "delay_ms": 100}])).await;
    root.post(&format!("{path}/sync"), json!({}))
        .await
        .expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    root.patch(&path, json!({"status": "paused"}))
        .await
        .expect(200);
    let stopped = next_run(&world, &path, 0).await;
    assert_eq!(stopped["outcome"], "failed", "{stopped}");
    let reason = stopped["reason"].as_str().unwrap();
    assert!(reason.contains("paused"), "{reason}");
    let read = stopped["numbers"]["users_read"].as_u64().unwrap();
    assert!((1..120).contains(&read), "{stopped}");
    set_faults(&world, &json!([])).await;
    root.patch(&path, json!({"status": "active"}))
        .await
        .expect(200);
    let ended = run(&world, &path).await;
    assert_eq!(ended["numbers"]["users_read"], 120, "{ended}");
}

/// Also one that reads its users at once, before it takes anything away.
#[tokio::test]
async fn a_directory_that_is_paused_takes_nothing_away() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let slow = json!([{"on": "user-groups", "delay_ms": 1_500, "calls": [1, 2]}]);
    set_faults(&world, &slow).await;
    let root = world.tenant_admin_of(GLOBEX);
    root.post(&format!("{path}/sync"), json!({}))
        .await
        .expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    root.patch(&path, json!({"status": "paused"}))
        .await
        .expect(200);
    let stopped = next_run(&world, &path, 1).await;
    assert_eq!(stopped["outcome"], "failed", "{stopped}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
}

/// A login reads the directory as a function does that has kept nothing. Returns its log line.
async fn sign_in_again(world: &World, user: &str) -> Value {
    let redeployed = crate::directories::redeployed(world).await;
    sign_in(&redeployed, GLOBEX, user).await
}

#[tokio::test]
async fn a_login_before_the_first_run_ends_no_more_than_the_limit() {
    let (world, path) = both_signed_in(at_most(20, 3)).await;
    set_members(&world, NUCLEAR, &[]).await;
    // Two are within the limit.
    let line = sign_in_again(&world, "homer").await;
    assert_eq!(line["outcome"], "synced", "{line}");
    assert!(
        organizations(&world.user_of(GLOBEX, "homer"))
            .await
            .is_empty()
    );
    set_members(&world, LEADS, &[]).await;
    let line = sign_in_again(&world, "hank").await;
    assert_eq!(line["reason"], "removal-limit", "{line}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
    assert_eq!(run(&world, &path).await["outcome"], "run_blocked");
}

#[tokio::test]
async fn new_names_that_the_filter_leaves_out_block_the_run() {
    let (world, path) = both_signed_in(at_most(20, 3)).await;
    run(&world, &path).await;
    change(&world, |entra| {
        for group in entra["groups"].as_array_mut().unwrap() {
            let name = format!("Renamed {}", group["display_name"].as_str().unwrap());
            group["display_name"] = name.into();
        }
    })
    .await;
    let blocked = run(&world, &path).await;
    assert_eq!(blocked["outcome"], "run_blocked", "{blocked}");
    assert_eq!(blocked["numbers"]["memberships_held_back"], 6, "{blocked}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
}

/// A confirmation is for the run that follows, also if it cannot read everyone.
#[tokio::test]
async fn a_confirmation_does_not_outlive_a_partial_run() {
    let (world, path) = both_signed_in(at_most(20, 1)).await;
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let blocked = run(&world, &path).await;
    assert_eq!(blocked["outcome"], "run_blocked", "{blocked}");
    let fault = json!([{"on": "user-groups", "user": "homer", "omit_rows": 1}]);
    set_faults(&world, &fault).await;
    let known = runs(&world, &path).await.len();
    let root = world.tenant_admin_of(GLOBEX);
    let confirm = json!({"confirm": blocked["id"]});
    root.post(&format!("{path}/sync"), confirm)
        .await
        .expect(200);
    let partial = next_run(&world, &path, known).await;
    assert_eq!(partial["outcome"], "partial", "{partial}");
    assert_eq!(partial["numbers"]["memberships_ended"], 2, "{partial}");
    set_faults(&world, &json!([])).await;
    let again = run(&world, &path).await;
    assert_eq!(again["outcome"], "run_blocked", "{again}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
}

/// The assignments that a login reads again before it takes something away can be fewer than those it had kept.
#[tokio::test]
async fn a_second_read_that_would_end_more_is_held_back() {
    let (world, path) = both_signed_in(at_most(20, 3)).await;
    run(&world, &path).await;
    // A function that keeps the assignments.
    let redeployed = crate::directories::redeployed(&world).await;
    sign_in(&redeployed, GLOBEX, "hank").await;
    set_members(&world, LEADS, &[]).await;
    change(&world, |entra| {
        let assignments = entra["assignments"].as_array_mut().unwrap();
        assignments.retain(|it| it["to"] != NUCLEAR && it["to"] != LEADS);
    })
    .await;
    let line = sign_in(&redeployed, GLOBEX, "hank").await;
    assert_eq!(line["reason"], "removal-limit", "{line}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
}

/// A confirmation that arrives while a run is under way is for the next one.
#[tokio::test]
async fn a_run_under_way_does_not_use_up_a_confirmation() {
    let world = World::start().await;
    let (path, _) = created(&world, at_most(20, 1)).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    measured(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let blocked = measured(&world, &path).await;
    assert_eq!(blocked["DirectoriesBlocked"], 1, "{blocked}");
    let slow = json!([{"on": "user-groups", "delay_ms": 1_500, "calls": [1]}]);
    set_faults(&world, &slow).await;
    let confirm = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let confirm = json!({"confirm": runs(&world, &path).await[0]["id"]});
        let root = world.tenant_admin_of(GLOBEX);
        root.post(&format!("{path}/sync"), confirm)
            .await
            .expect(200);
    };
    let (under_way, ()) = tokio::join!(measured(&world, &path), confirm);
    assert_eq!(under_way["DirectoriesBlocked"], 1, "{under_way}");
    set_faults(&world, &json!([])).await;
    let next = measured(&world, &path).await;
    assert_eq!(next["RunMembershipsEnded"], 4, "{next}");
}

/// Users who cannot be read are not counted, so that few enough would seem to remain.
#[tokio::test]
async fn a_blocked_directory_takes_nothing_while_users_fail() {
    let (world, path) = both_signed_in(at_most(20, 3)).await;
    run(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    assert_eq!(run(&world, &path).await["outcome"], "run_blocked");
    let fault = json!([{"on": "user-groups", "user": "hank", "omit_rows": 1}]);
    set_faults(&world, &fault).await;
    let still = run(&world, &path).await;
    assert_eq!(still["outcome"], "run_blocked", "{still}");
    assert_eq!(still["numbers"]["memberships_ended"], 0, "{still}");
    let reason = still["reason"].as_str().unwrap();
    assert!(
        reason.contains("some users could not be read now (1)"),
        "{reason}"
    );
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
}

/// An alarm lasts as long as the directory is blocked.
#[tokio::test]
async fn blocked_directories_are_counted_until_a_run_comes_through() {
    let world = World::start().await;
    let (path, _) = created(&world, at_most(20, 1)).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    measured(&world, &path).await;
    assert_eq!(scheduled(&world).await["blocked"], 0);
    set_members(&world, NUCLEAR, &[]).await;
    measured(&world, &path).await;
    for _ in 0..2 {
        let counted = scheduled(&world).await;
        assert_eq!(counted["blocked"], 1, "{counted}");
        assert_eq!(counted["queued"], 1, "{counted}");
    }
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    measured(&world, &path).await;
    assert_eq!(scheduled(&world).await["blocked"], 0);
}
