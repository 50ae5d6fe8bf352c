//! Runs that cannot read the directory: nothing is taken away, and the status says why.

use muster_local::Options;
use serde_json::json;
use support::{Fault, Faults};

use super::cost::measured;
use super::{
    all_groups, at_most, both_signed_in, change, forbidden, run, scheduled, set_faults, started,
};
use crate::directories::{GLOBEX, LEADS, NUCLEAR, created, organizations, set_members, sign_in};

#[tokio::test]
async fn lost_consent_breaks_the_directory_and_takes_nothing() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    let root = world.tenant_admin_of(GLOBEX);
    let before = root.get(&path).await.expect(200).body;
    set_faults(&world, &forbidden(&["group-changes"])).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "broken");
    assert_eq!(shown["version"], before["version"].as_u64().unwrap() + 1);
    let times = [&shown, &before].map(|it| it["updated_at"].as_str().unwrap());
    assert!(times[0] > times[1], "{times:?}");
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
    // Its alarm lasts.
    let counted = scheduled(&world).await;
    assert_eq!(counted["broken"], 1, "{counted}");
    assert_eq!(counted["queued"], 0, "{counted}");

    // Consent is given again.
    set_faults(&world, &json!([])).await;
    root.patch(&path, json!({"status": "active"}))
        .await
        .expect(200);
    let good = run(&world, &path).await;
    assert_eq!(good["outcome"], "unchanged", "{good}");
    assert_eq!(scheduled(&world).await["broken"], 0);
}

#[tokio::test]
async fn lost_rights_to_the_application_break_the_directory() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_faults(&world, &forbidden(&["assigned-groups"])).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let reason = broken["reason"].as_str().unwrap();
    assert!(reason.contains("Application.Read.All"), "{reason}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
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
    // For a login too, which has kept nothing of what was read before.
    let redeployed = crate::directories::redeployed(&world).await;
    let line = sign_in(&redeployed, GLOBEX, "hank").await;
    assert_eq!(line["outcome"], "failed", "{line}");
    assert_eq!(organizations(&hank).await.len(), 2);
}

/// There was no run before, but memberships that logins gave.
#[tokio::test]
async fn an_application_emptied_before_the_first_run_is_a_failed_read() {
    for limit in [at_most(20, 0), at_most(100, 100)] {
        let (world, path) = both_signed_in(limit).await;
        change(&world, |entra| entra["assignments"] = json!([])).await;
        let root = world.tenant_admin_of(GLOBEX);
        let dry = json!({"dry_run": true});
        let dry = root.post(&format!("{path}/sync"), dry).await;
        let dry = dry.problem(503, "unavailable").body;
        let detail = dry["detail"].as_str().unwrap();
        assert!(detail.contains("no group is assigned"), "{detail}");
        let failed = run(&world, &path).await;
        assert_eq!(failed["outcome"], "failed", "{failed}");
        let reason = failed["reason"].as_str().unwrap();
        assert!(reason.contains("no group is assigned"), "{reason}");
        let hank = world.user_of(GLOBEX, "hank");
        assert_eq!(organizations(&hank).await.len(), 2);
    }
}

#[tokio::test]
async fn a_complete_run_that_reads_no_user_has_failed() {
    let (world, path) = both_signed_in(all_groups).await;
    set_faults(&world, &json!([{"on": "user-groups", "status": 500}])).await;
    for _ in 0..2 {
        let failed = run(&world, &path).await;
        assert_eq!(failed["kind"], "complete", "{failed}");
        assert_eq!(failed["outcome"], "failed", "{failed}");
        let reason = failed["reason"].as_str().unwrap();
        assert!(
            reason.contains("no user could be read (users tried: 2)"),
            "{reason}"
        );
    }
    set_faults(&world, &json!([])).await;
    let good = run(&world, &path).await;
    assert_eq!(good["outcome"], "unchanged", "{good}");
}

#[tokio::test]
async fn what_graph_cannot_say_takes_nothing_away() {
    let (world, path) = both_signed_in(all_groups).await;
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
    let (world, path) = both_signed_in(all_groups).await;
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

#[tokio::test]
async fn groups_of_tenant_admins_alone_are_no_emptied_application() {
    let world = started().await;
    let (path, _) = created(&world, |_| json!({"tenant_admin_groups": [LEADS]})).await;
    change(&world, |entra| entra["assignments"] = json!([])).await;
    sign_in(&world, GLOBEX, "hank").await;
    for _ in 0..2 {
        let ended = run(&world, &path).await;
        assert_eq!(ended["outcome"], "unchanged", "{ended}");
    }
}

/// The change is read once; the run that could not apply it leaves the user for the next one.
#[tokio::test]
async fn an_account_that_was_not_disabled_is_disabled_later() {
    let (world, faults) = Faults::world(Options {
        event_sources: true,
        ..Options::default()
    })
    .await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    run(&world, &path).await;
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        let homer = users.iter_mut().find(|it| it["user_id"] == "homer");
        homer.unwrap()["account_enabled"] = json!(false);
    })
    .await;
    faults.always("TransactWriteItems user.disabled", Fault::Validation);
    let partial = run(&world, &path).await;
    assert_eq!(partial["outcome"], "partial", "{partial}");
    faults.stop();
    let disabled = run(&world, &path).await;
    assert_eq!(disabled["kind"], "changes", "{disabled}");
    assert_eq!(disabled["numbers"]["users_disabled"], 1, "{disabled}");
    let root = world.tenant_admin_of(GLOBEX);
    let homer = root.get("/users/homer").await.expect(200).body;
    assert_eq!(homer["status"], "disabled");
}

/// A membership that changes between the read and the write of a run is taken away by the next one.
#[tokio::test]
async fn a_removal_that_is_overtaken_is_made_by_the_next_run() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    measured(&world, &path).await;
    set_members(&world, NUCLEAR, &["hank"]).await;
    let mut held = faults.hold("TransactWriteItems membership.removed");
    let change = async {
        held.arrived().await;
        let root = world.tenant_admin_of(GLOBEX);
        let member = format!("/organizations/{NUCLEAR}/members/homer");
        let limits = json!({"status": "suspended"});
        root.patch(&member, limits).await.expect(200);
        held.release();
    };
    let (first, ()) = tokio::join!(measured(&world, &path), change);
    assert_eq!(first["RunMembershipsEnded"], 1, "of the team: {first}");
    let second = measured(&world, &path).await;
    assert_eq!(second["users_read"], 1, "{second}");
    assert_eq!(second["RunMembershipsEnded"], 1, "{second}");
    let root = world.tenant_admin_of(GLOBEX);
    root.get(&format!("/organizations/{NUCLEAR}/members/homer"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_refused_read_of_a_user_breaks_the_directory() {
    let (world, path) = both_signed_in(all_groups).await;
    set_faults(&world, &forbidden(&["user-groups"])).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "broken", "{shown}");
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(organizations(&hank).await.len(), 2);
}
