//! A directory has one run at a time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::Clock;
use serde_json::json;
use support::{World, invariants};

use super::cost::measured;
use super::{all_groups, runs, set_faults, with_clock};
use crate::directories::{GLOBEX, NUCLEAR, created, organizations, set_members, sign_in};

/// Gives the right to run to another run, for three minutes.
async fn give_away(world: &World, path: &str) {
    let id = path.strip_prefix("/directories/").unwrap();
    let (client, table) = (world.stack.client(), world.stack.table_name());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let until = Clock::system().now().after(Duration::from_mins(3));
    let change = client.update_item().table_name(table);
    change
        .key("pk", text(&format!("TENANT#{GLOBEX}#DIRECTORIES")))
        .key("sk", text(&format!("RUNS#{id}")))
        .update_expression("SET lease_by = :by, lease_until = :until")
        .expression_attribute_values(":by", text("another"))
        .expression_attribute_values(":until", text(&until.to_string()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn concurrent_runs_execute_once() {
    let world = World::start().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    set_faults(&world, &json!([{"on": "user-groups", "delay_ms": 500}])).await;
    let both = tokio::join!(measured(&world, &path), measured(&world, &path));
    let lines = [both.0, both.1];
    let count = |name: &str| lines.iter().filter(|line| line[name] == 1).count();
    assert_eq!(count("DirectoryRuns"), 1, "{lines:?}");
    assert_eq!(count("dropped"), 1, "{lines:?}");
    assert_eq!(runs(&world, &path).await.len(), 1);
}

/// A run that ended without a word has the directory for three minutes.
#[tokio::test]
async fn a_run_that_was_cut_off_is_followed_by_the_next() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    measured(&world, &path).await;
    give_away(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let held = measured(&world, &path).await;
    assert_eq!(held["dropped"], 1, "{held}");
    ahead.store(181_000, Ordering::SeqCst);
    let next = measured(&world, &path).await;
    assert_eq!(next["RunMembershipsEnded"], 2, "{next}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_run_that_lost_its_right_takes_nothing_away() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    measured(&world, &path).await;
    set_members(&world, NUCLEAR, &[]).await;
    let slow = json!([{"on": "user-groups", "delay_ms": 1_500, "calls": [1]}]);
    set_faults(&world, &slow).await;
    let other = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        give_away(&world, &path).await;
    };
    let (overtaken, ()) = tokio::join!(measured(&world, &path), other);
    assert_eq!(overtaken["dropped"], 1, "{overtaken}");
    assert_eq!(overtaken["RunMembershipsEnded"], 0, "{overtaken}");
    assert_eq!(runs(&world, &path).await.len(), 1, "it left no record");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 1);
    ahead.store(181_000, Ordering::SeqCst);
    let next = measured(&world, &path).await;
    assert_eq!(next["RunMembershipsEnded"], 2, "{next}");
}

/// A warm function looks at the tenant's directory once a minute.
#[tokio::test]
async fn a_login_sees_a_change_of_the_directory_within_a_minute() {
    let (world, ahead) = with_clock().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    let root = world.tenant_admin_of(GLOBEX);
    let paused = json!({"status": "paused"});
    root.patch(&path, paused).await.expect(200);
    let kept = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(kept["outcome"], "unchanged", "{kept}");
    ahead.store(61_000, Ordering::SeqCst);
    let seen = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(seen["reason"], "directory-paused", "{seen}");
}

/// For a minute, a warm function remembers that a tenant has none.
#[tokio::test]
async fn a_login_sees_the_first_directory_of_a_tenant_after_a_minute() {
    let (world, ahead) = with_clock().await;
    let homer = world.user_of(GLOBEX, "homer");
    let without = sign_in(&world, GLOBEX, "homer").await;
    created(&world, all_groups).await;
    let kept = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(kept["GroupsRead"], without["GroupsRead"], "{kept}");
    assert_eq!(organizations(&homer).await, [""; 0]);
    ahead.store(61_000, Ordering::SeqCst);
    let seen = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(seen["outcome"], "synced", "{seen}");
    assert!(!organizations(&homer).await.is_empty());
}
