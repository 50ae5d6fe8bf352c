//! Deleting a directory: what happens to the memberships that it gave.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_local::Options;
use serde_json::{Value, json};
use support::{Faults, World, invariants};

use super::{GLOBEX, LEADS, NUCLEAR, claims, created, organizations, sign_in};

/// How long a deletion may take here.
const LIMIT: Duration = Duration::from_secs(30);

/// A world in which hank and homer have what the directory gives. Returns the path of the directory.
async fn given(world: &World) -> String {
    let settings = |office: &str| {
        json!({
            "create_organizations": true,
            "group_filter": {"prefix": "App-"},
            "group_map": {LEADS: {"organization_id": office, "role": "manager"}},
            "tenant_admin_groups": [LEADS],
        })
    };
    let (path, _) = created(world, settings).await;
    for user in ["hank", "homer"] {
        let line = sign_in(world, GLOBEX, user).await;
        assert_eq!(line["outcome"], "synced", "{line}");
    }
    path
}

/// The types of the tenant's events about directories, newest first.
async fn events(world: &World) -> Vec<Value> {
    let root = world.tenant_admin_of(GLOBEX);
    root.all("/events?type=directory.*&order=newest").await
}

#[tokio::test]
async fn kept_memberships_become_manual() {
    let world = World::start().await;
    let path = given(&world).await;
    let root = world.tenant_admin_of(GLOBEX);
    root.delete(&path).await.expect(204);
    root.delete(&path).await.problem(404, "not-found");
    assert_eq!(
        organizations(&world.user_of(GLOBEX, "hank")).await,
        [
            "App-Nuclear: internal_user manual",
            "Head office: manager manual"
        ]
    );
    let team = root.get(&format!("/teams/{NUCLEAR}/members/homer")).await;
    assert_eq!(team.expect(200).body["source"], "manual");
    assert_eq!(
        claims(&world, GLOBEX, "hank").await.get("tenant_admin"),
        None
    );
    let events = events(&world).await;
    assert_eq!(events[0]["type"], "directory.deleted");
    assert_eq!(events[0]["changes"]["memberships"]["to"], "keep");
    // A member can be removed by hand now.
    let member = format!("/organizations/{NUCLEAR}/members/homer");
    root.delete(&member).await.expect(204);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn removed_memberships_are_gone_except_the_last_owner() {
    let world = World::start().await;
    let path = given(&world).await;
    let root = world.tenant_admin_of(GLOBEX);
    let member = format!("/organizations/{NUCLEAR}/members/hank");
    root.patch(&member, json!({"role": "owner"}))
        .await
        .expect(200);
    let bad = format!("{path}?memberships=forget");
    root.delete(&bad).await.problem(400, "validation-failed");
    root.delete(&format!("{path}?memberships=remove"))
        .await
        .expect(204);
    assert!(
        organizations(&world.user_of(GLOBEX, "homer"))
            .await
            .is_empty()
    );
    assert_eq!(
        organizations(&world.user_of(GLOBEX, "hank")).await,
        ["App-Nuclear: owner manual"]
    );
    let removed = root.all("/events?type=membership.removed").await;
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert_eq!(
        events(&world).await[0]["changes"]["memberships"]["to"],
        "remove"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_login_that_still_knows_the_directory_leaves_nothing() {
    let world = World::start().await;
    let path = given(&world).await;
    let root = world.tenant_admin_of(GLOBEX);
    root.delete(&format!("{path}?memberships=remove"))
        .await
        .expect(204);
    // The warm function has the directory for a minute.
    let line = sign_in(&world, GLOBEX, "homer").await;
    assert_eq!(line["outcome"], "synced", "{line}");
    assert!(
        organizations(&world.user_of(GLOBEX, "homer"))
            .await
            .is_empty()
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_repeated_deletion_continues() {
    let world = World::start().await;
    let path = given(&world).await;
    let root = world.tenant_admin_of(GLOBEX);
    let id = path.strip_prefix("/directories/").unwrap();
    // As a request leaves it whose time was up.
    let (pk, sk) = (
        format!("TENANT#{GLOBEX}#DIRECTORIES"),
        format!("DIRECTORY#{id}"),
    );
    let remove = AttributeValue::S("remove".to_owned());
    world.tamper(&pk, &sk, "deleting", remove).await;
    root.patch(&path, json!({"name": "New"}))
        .await
        .problem(409, "conflict");
    root.delete(&format!("{path}?memberships=keep"))
        .await
        .problem(409, "conflict");
    let both = futures::future::join_all((0..2).map(|_| {
        let path = format!("{path}?memberships=remove");
        let root = &root;
        async move { root.delete(&path).await.status }
    }));
    let mut both = both.await;
    both.sort_unstable();
    assert!(
        [[204, 204], [204, 404]].contains(&[both[0], both[1]]),
        "{both:?}"
    );
    assert!(
        organizations(&world.user_of(GLOBEX, "homer"))
            .await
            .is_empty()
    );
    // The Entra tenant is free again.
    let body = super::new_directory(&json!({}));
    root.post("/directories", body).await.expect(201);
}

#[tokio::test]
async fn a_directory_is_paused_while_it_is_deleted() {
    let (world, faults) = Faults::world(Options::default()).await;
    let path = given(&world).await;
    let root = world.tenant_admin_of(GLOBEX);
    let before = root.get(&path).await.expect(200).body;
    let mut held = faults.hold("Query");
    let deletion = root.delete(&path);
    let meanwhile = async {
        held.arrived().await;
        let during = root.get(&path).await.expect(200).body;
        held.release();
        during
    };
    let (deleted, during) = futures::join!(deletion, meanwhile);
    deleted.expect(204);
    assert_eq!(during["status"], "paused", "{during}");
    assert_eq!(during["status_reason"], "being deleted");
    let version = before["version"].as_u64().unwrap();
    assert_eq!(during["version"], version + 1);
    let times = [&during, &before].map(|it| it["updated_at"].as_str().unwrap());
    assert!(times[0] > times[1], "{times:?}");
    let paused = &events(&world).await[1];
    assert_eq!(paused["type"], "directory.updated");
    assert_eq!(paused["changes"]["status"]["to"], "paused");
}

#[tokio::test]
async fn memberships_that_change_meanwhile_are_ended_too() {
    let homer = format!("TENANT#{GLOBEX}#USER#homer");
    for (memberships, event, item) in [
        ("keep", "team_membership.updated", "TEAM"),
        ("keep", "membership.role_changed", "ORG"),
        ("remove", "team_membership.removed", "TEAM"),
        ("remove", "membership.removed", "ORG"),
    ] {
        let (world, faults) = Faults::world(Options::default()).await;
        let path = given(&world).await;
        let root = world.tenant_admin_of(GLOBEX);
        let write = format!("TransactWriteItems \"{event}\" {homer}");
        let mut held = faults.hold(&write);
        let deletion = format!("{path}?memberships={memberships}");
        let deletion = root.delete(&deletion);
        let meanwhile = async {
            held.arrived().await;
            let key = format!("{item}#{NUCLEAR}");
            // Without an event, unlike a real change: the invariants would not hold.
            let later = AttributeValue::N("7".to_owned());
            world.tamper(&homer, &key, "version", later).await;
            held.release();
        };
        let both = futures::future::join(deletion, meanwhile);
        let (deleted, ()) = tokio::time::timeout(LIMIT, both).await.expect(&write);
        deleted.expect(204);
        let left = organizations(&world.user_of(GLOBEX, "homer")).await;
        let team = root.get(&format!("/teams/{NUCLEAR}/members/homer")).await;
        if memberships == "keep" {
            assert_eq!(left, ["App-Nuclear: internal_user manual"], "{event}");
            assert_eq!(team.expect(200).body["source"], "manual");
        } else {
            assert!(left.is_empty(), "{event}: {left:?}");
            assert_eq!(team.status, 404, "{event}");
        }
    }
}
