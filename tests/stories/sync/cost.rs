//! The cost of a login: counted calls to Graph and DynamoDB.

use std::collections::BTreeMap;

use serde_json::json;
use support::graph::GraphEndpoint;

use super::setup::{ORGANIZATIONS, Setup, map};

/// With ada in two of fifty groups.
async fn setup() -> Setup {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    for n in 0..50 {
        setup
            .graph
            .assign(&format!("g-{n:02}"), &format!("Group {n}"));
    }
    for user in ["ada", "bob"] {
        setup.graph.join(user, "g-00");
        setup.graph.join(user, "g-49");
    }
    setup.settle("ada").await;
    setup
}

/// The calls to DynamoDB since the last time, counted.
fn operations(setup: &Setup) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for operation in setup.world.calls.operations() {
        *counted.entry(operation).or_default() += 1;
    }
    counted
}

fn calls<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.map(|(name, count)| (name.to_owned(), count)).into()
}

#[tokio::test]
async fn an_unchanged_login_calls_graph_once_and_dynamodb_twice() {
    let setup = setup().await;
    let nothing_new = calls([("Query", 1), ("UpdateItem", 1)]);
    // Warm.
    setup.graph.calls();
    setup.world.calls.take();
    let line = setup.login_at_once("ada").await;
    assert_eq!(line["outcome"], "unchanged");
    assert_eq!(setup.graph.calls(), [GraphEndpoint::UserGroups]);
    assert_eq!(operations(&setup), nothing_new);
    assert_eq!(
        (&line["calls"], &line["round_trips"]),
        (&json!(2), &json!(1))
    );
    // After the cached assigned groups expired. The tenant's directory is read too, at the same time.
    let nothing_new = calls([("Query", 2), ("UpdateItem", 1)]);
    let line = setup.expect("ada", "unchanged").await;
    assert_eq!(line["round_trips"], 1);
    let mut called = setup.graph.calls();
    called.sort();
    assert_eq!(
        called,
        [GraphEndpoint::AssignedGroups, GraphEndpoint::UserGroups]
    );
    assert_eq!(operations(&setup), nothing_new);
    // A cold start, with a renamed group of other users.
    let setup = setup.redeployed(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-07", "Renamed");
    setup.graph.calls();
    setup.world.calls.take();
    setup.expect("ada", "unchanged").await;
    assert_eq!(operations(&setup), nothing_new);
}

#[tokio::test]
async fn an_unchanged_login_writes_only_its_time() {
    let setup = setup().await;
    let before = setup.world.table().await;
    setup.expect("ada", "unchanged").await;
    let after = setup.world.table().await;
    assert_eq!(before.len(), after.len());
    for (key, was) in &before {
        let is = &after[key];
        let changed = was
            .keys()
            .chain(is.keys())
            .filter(|name| was.get(*name) != is.get(*name));
        let changed: std::collections::BTreeSet<_> = changed.map(String::as_str).collect();
        if key.1 == "USER" && key.0.ends_with("#ada") {
            assert_eq!(changed, ["last_login_at", "updated_at", "version"].into());
        } else {
            assert!(changed.is_empty(), "{key:?}: {changed:?}");
        }
    }
}

#[tokio::test]
async fn a_second_users_first_login_creates_nothing_again() {
    let setup = setup().await;
    setup.world.calls.take();
    setup.expect("bob", "synced").await;
    // The profile, memberships in two organizations and two teams, and the mark.
    let own = calls([
        ("BatchGetItem", 2),
        ("GetItem", 1),
        ("Query", 2),
        ("TransactWriteItems", 5),
        ("UpdateItem", 2),
    ]);
    assert_eq!(operations(&setup), own);
    setup.world.calls.take();
    setup.expect("bob", "unchanged").await;
    assert_eq!(operations(&setup), calls([("Query", 2), ("UpdateItem", 1)]));
    // A user without groups.
    setup.expect("cy", "unchanged").await;
    let mark = calls([
        ("GetItem", 1),
        ("Query", 2),
        ("TransactWriteItems", 1),
        ("UpdateItem", 2),
    ]);
    assert_eq!(operations(&setup), mark);
}

#[tokio::test]
async fn a_new_group_costs_each_user_one_read_and_one_mark() {
    let setup = setup().await;
    setup.expect("bob", "synced").await;
    setup.graph.assign("g-new", "New");
    setup.expect("ada", "synced").await;
    assert!(setup.all_organizations().await.contains_key("g-new"));
    setup.world.calls.take();
    setup.expect("bob", "unchanged").await;
    let mark = calls([("GetItem", 1), ("Query", 2), ("UpdateItem", 2)]);
    assert_eq!(operations(&setup), mark);
    assert_eq!(setup.organizations("bob").await.len(), 2);
    assert_eq!(setup.standalone_teams().await, map([]));
}

/// A membership that cannot be removed does not cause another look at every group.
#[tokio::test]
async fn a_last_owner_outside_the_group_costs_one_write_a_login() {
    let setup = setup().await;
    let owner = json!({"role": "owner"});
    let path = "/organizations/g-00/members/ada";
    setup
        .world
        .tenant_admin()
        .patch(path, owner)
        .await
        .expect(200);
    setup.graph.leave("ada", "g-00");
    setup.graph.assign("g-new", "New");
    setup.expect("ada", "partial").await;
    setup.world.calls.take();
    setup.expect("ada", "partial").await;
    let one_more = calls([("Query", 2), ("TransactWriteItems", 1), ("UpdateItem", 1)]);
    assert_eq!(operations(&setup), one_more);
}

/// If the time limit is reached first, the user has their own groups.
#[tokio::test]
async fn own_groups_are_joined_before_other_groups_are_read() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    for n in 0..10 {
        setup.graph.assign(&format!("g-{n}"), &format!("Group {n}"));
    }
    setup.graph.join("ada", "g-7");
    setup.expect("ada", "synced").await;
    let calls = setup.world.calls.take();
    let at = |id: &str| {
        let is_there = |call: &&muster::store::requests::TableRequest| {
            support::texts(call).iter().any(|text| text == id)
        };
        let found = calls.iter().enumerate().filter(|(_, call)| is_there(call));
        found.map(|(n, _)| n).collect::<Vec<_>>()
    };
    let joined = at("ORG#g-7")
        .into_iter()
        .chain(at("TEAM#g-7"))
        .max()
        .unwrap();
    for n in (0..10).filter(|n| *n != 7) {
        let looked_at = at(&format!("TENANT#acme#ORG#g-{n}"))
            .into_iter()
            .min()
            .unwrap();
        assert!(joined < looked_at, "{n}");
    }
}
