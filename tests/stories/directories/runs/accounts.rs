//! Accounts that end in the directory, and the permission to read them.

use std::time::Duration;

use serde_json::{Value, json};
use support::World;

use super::{all_groups, both_signed_in, change, forbidden, run, set_faults, started};
use crate::directories::{GLOBEX, NUCLEAR, created, set_members, sign_in};

/// The accounts of hank and homer.
const ACCOUNTS: [&str; 2] = [
    "9e3f5b7d-1a2c-4d6e-8f90-2b4d6f8a0001",
    "9e3f5b7d-1a2c-4d6e-8f90-2b4d6f8a0002",
];

/// Sets whether homer's account is enabled.
async fn set_enabled(world: &World, enabled: bool) {
    change(world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        let homer = users.iter_mut().find(|it| it["user_id"] == "homer");
        homer.unwrap()["account_enabled"] = json!(enabled);
    })
    .await;
}

async fn status(world: &World, user: &str) -> Value {
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&format!("/users/{user}")).await.expect(200);
    shown.body["status"].clone()
}

/// Graph names the accounts, and no more of them.
fn without_state() -> Value {
    let rows = ACCOUNTS.map(|id| json!({"id": id}));
    json!([{"on": "users", "set": {"value": rows}}])
}

#[tokio::test]
async fn a_lost_permission_for_accounts_breaks_the_directory() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_faults(&world, &forbidden(&["user-changes", "users"])).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let reason = broken["reason"].as_str().unwrap();
    assert!(reason.contains("User.Read.All"), "{reason}");

    // A tenant admin decides that accounts are no longer followed: groups still are.
    let root = world.tenant_admin_of(GLOBEX);
    let active = json!({"status": "active"});
    root.patch(&path, active.clone()).await.expect(200);
    set_members(&world, NUCLEAR, &["hank"]).await;
    let without = run(&world, &path).await;
    assert_eq!(without["outcome"], "synced", "{without}");
    assert_eq!(without["numbers"]["memberships_ended"], 2, "{without}");
    assert_eq!(run(&world, &path).await["outcome"], "unchanged");
}

#[tokio::test]
async fn accounts_that_are_disabled_while_broken_are_found_afterwards() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_faults(&world, &forbidden(&["user-changes"])).await;
    assert_eq!(run(&world, &path).await["outcome"], "broken");
    set_enabled(&world, false).await;
    set_faults(&world, &json!([])).await;
    let root = world.tenant_admin_of(GLOBEX);
    root.patch(&path, json!({"status": "active"}))
        .await
        .expect(200);
    let good = run(&world, &path).await;
    assert_eq!(good["numbers"]["users_disabled"], 1, "{good}");
}

/// Rows of changes come late and out of order: what is there now decides.
#[tokio::test]
async fn a_late_row_of_an_account_disables_no_one() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    let [hank, homer] = ACCOUNTS;
    let rows = json!([{"id": hank, "@removed": {"reason": "deleted"}},
        {"id": homer, "accountEnabled": false}]);
    let fault = json!([{"on": "user-changes", "set": {"value": rows}}]);
    set_faults(&world, &fault).await;
    let ended = run(&world, &path).await;
    assert_eq!(ended["outcome"], "unchanged", "{ended}");
    assert_eq!(ended["numbers"]["users_read"], 2, "{ended}");
    // Nor does one enable them.
    set_faults(&world, &json!([])).await;
    set_enabled(&world, false).await;
    let rows = json!([{"id": homer, "accountEnabled": true}]);
    let fault = json!([{"on": "user-changes", "set": {"value": rows}}]);
    set_faults(&world, &fault).await;
    let ended = run(&world, &path).await;
    assert_eq!(ended["numbers"]["users_disabled"], 1, "{ended}");
    assert_eq!(status(&world, "homer").await, "disabled");
    assert_eq!(status(&world, "hank").await, "enabled");
}

/// Without `User.Read.All`, Graph refuses to read accounts; with `User.ReadBasic.All`, it leaves out whether they are
/// enabled. The groups are still followed.
#[tokio::test]
async fn without_the_permission_groups_alone_are_followed() {
    for faults in [forbidden(&["user-changes", "users"]), without_state()] {
        let (world, path) = both_signed_in(all_groups).await;
        set_faults(&world, &faults).await;
        set_enabled(&world, false).await;
        let first = run(&world, &path).await;
        assert_eq!(first["outcome"], "unchanged", "{first}");
        set_members(&world, NUCLEAR, &["homer"]).await;
        let second = run(&world, &path).await;
        assert_eq!(second["kind"], "changes", "{second}");
        assert_eq!(second["outcome"], "synced", "{second}");
        assert_eq!(second["numbers"]["memberships_ended"], 2, "{second}");
        assert_eq!(status(&world, "homer").await, "enabled");

        // The permission is given: the next complete run follows accounts too.
        set_faults(&world, &json!([])).await;
        let root = world.tenant_admin_of(GLOBEX);
        let lower = json!({"settings": {"default_role": "readonly"}});
        root.patch(&path, lower).await.expect(200);
        let third = run(&world, &path).await;
        assert_eq!(third["numbers"]["users_disabled"], 1, "{third}");
        set_enabled(&world, true).await;
        let fourth = run(&world, &path).await;
        assert_eq!(fourth["kind"], "changes", "{fourth}");
        assert_eq!(fourth["numbers"]["users_enabled"], 1, "{fourth}");
    }
}

#[tokio::test]
async fn a_lesser_permission_for_accounts_breaks_the_directory() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_faults(&world, &without_state()).await;
    set_enabled(&world, false).await;
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
    let reason = broken["reason"].as_str().unwrap();
    assert!(reason.contains("User.Read.All"), "{reason}");
}

/// The permission shows with the first accounts that are read, and not before.
#[tokio::test]
async fn a_lesser_permission_before_the_first_user_breaks_nothing() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    set_faults(&world, &without_state()).await;
    run(&world, &path).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    set_members(&world, NUCLEAR, &["homer"]).await;
    let changes = run(&world, &path).await;
    assert_eq!(changes["kind"], "changes", "{changes}");
    assert_eq!(changes["outcome"], "synced", "{changes}");
    assert_eq!(changes["numbers"]["memberships_ended"], 2, "{changes}");
}

/// A list can lack accounts that are there.
#[tokio::test]
async fn an_account_missing_from_a_list_disables_no_one() {
    let (world, path) = both_signed_in(all_groups).await;
    let empty = json!([{"on": "users", "set": {"value": []}}]);
    set_faults(&world, &empty).await;
    let first = run(&world, &path).await;
    assert_eq!(first["kind"], "complete", "{first}");
    assert_eq!(first["outcome"], "unchanged", "{first}");
    let [hank, homer] = ACCOUNTS;
    let rows = json!([{"id": hank, "accountEnabled": true}]);
    let short = json!([{"on": "users", "set": {"value": rows}},
        {"on": "user-changes", "set": {"value": [{"id": homer}]}}]);
    set_faults(&world, &short).await;
    let second = run(&world, &path).await;
    assert_eq!(second["numbers"]["users_read"], 1, "{second}");
    assert_eq!(second["outcome"], "unchanged", "{second}");
}

/// A change is named before every server of Entra has it.
#[tokio::test]
async fn a_change_that_is_read_too_early_is_read_again() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    set_enabled(&world, false).await;
    let [_, homer] = ACCOUNTS;
    let old = json!([{"id": homer, "accountEnabled": true}]);
    let fault = json!([{"on": "users", "set": {"value": old}}]);
    set_faults(&world, &fault).await;
    let early = run(&world, &path).await;
    assert_eq!(early["numbers"]["users_read"], 1, "{early}");
    assert_eq!(early["outcome"], "unchanged", "{early}");
    set_faults(&world, &json!([])).await;
    let later = run(&world, &path).await;
    assert_eq!(later["kind"], "changes", "{later}");
    assert_eq!(later["numbers"]["users_disabled"], 1, "{later}");
    // And no third time.
    let quiet = run(&world, &path).await;
    assert_eq!(quiet["numbers"]["users_read"], 0, "{quiet}");
}

/// A change of the directory during the run does not hide that the permission is gone.
#[tokio::test]
async fn a_permission_lost_during_a_change_breaks_the_next_run() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    let mut faults = forbidden(&["user-changes", "users"]);
    for fault in faults.as_array_mut().unwrap() {
        fault["delay_ms"] = json!(1_500);
    }
    set_faults(&world, &faults).await;
    let root = world.tenant_admin_of(GLOBEX);
    root.post(&format!("{path}/sync"), json!({}))
        .await
        .expect(200);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let name = json!({"name": "Globex Corporation"});
    root.patch(&path, name).await.expect(200);
    let broken = run(&world, &path).await;
    assert_eq!(broken["outcome"], "broken", "{broken}");
}
