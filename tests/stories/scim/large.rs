//! Directories as large as the limits allow: what a request costs does not depend on them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use muster::domain::{GroupId, ScimGroup, ScimMembersChange, ScimScope};
use muster::store::{Error, metered};
use serde_json::{Value, json};
use support::World;

use super::client::Provider;
use super::seed::seed;
use super::{created, origin, take_up};
use crate::round_trips::scim::measured;

/// The most members of a group.
const MOST_MEMBERS: usize = 10_000;
/// Requests that are sent at the same time.
const AT_ONCE: usize = 8;

fn values(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

/// Adds a member to a group, or removes it. Returns the units of the table.
async fn units(world: &World, scope: &ScimScope, group: &str, change: &ScimMembersChange) -> f64 {
    let store = world.store();
    let id = GroupId::parse(group).unwrap();
    let edit = |before: &ScimGroup| Ok::<_, Error>((before.clone(), change.clone()));
    let origin = origin(scope);
    let write = store.change_scim_group(scope, &id, None, &origin, edit);
    let (written, measure) = Box::pin(metered(write)).await;
    assert!(written.unwrap().is_finished);
    measure.units
}

#[tokio::test]
async fn ten_thousand_members_cost_one_what_ten_cost() {
    let world = World::start().await;
    let (scope, made) = created(&world).await;
    let provider = Provider::of(&made);
    let ids = seed(&world, &provider, &scope, MOST_MEMBERS + 1).await;
    let mut groups = Vec::new();
    for count in [10, MOST_MEMBERS - 1] {
        let body = json!({"displayName": format!("Of {count}"), "members": values(&ids[..count])});
        let group = provider.post("/Groups", body).await.expect(201).id();
        // All of it counts at once, although a part is carried out later.
        assert_eq!(provider.members(&group).await.len(), count);
        groups.push(group);
    }
    take_up(&world, &scope).await;
    let one = BTreeSet::from([ids[MOST_MEMBERS - 1].clone()]);
    let none = BTreeSet::new();
    let (add, remove) = (
        ScimMembersChange::Some {
            add: one.clone(),
            remove: none.clone(),
        },
        ScimMembersChange::Some {
            add: none,
            remove: one,
        },
    );
    for change in [&add, &remove, &add] {
        let small = units(&world, &scope, &groups[0], change).await;
        let large = units(&world, &scope, &groups[1], change).await;
        assert!((small - large).abs() < 0.01, "{small} and {large}");
    }
    let path = format!("/Groups/{}", groups[1]);
    let more = json!([{"op": "add", "path": "members", "value": values(&ids[MOST_MEMBERS..])}]);
    let refused = provider.patch(&path, more).await;
    refused.error(400, Some("invalidValue"));
    assert_eq!(provider.members(&groups[1]).await.len(), MOST_MEMBERS);
}

#[tokio::test]
async fn requests_cost_the_same_beside_twenty_thousand_users() {
    let small = measured(5, 0).await.costs;
    assert_eq!(measured(5, 20_000).await.costs, small);
}

/// A directory with that many users and groups, and what its identity provider sends to it. Returns the time for it.
async fn time(users: usize, groups: usize) -> Duration {
    let world = World::start().await;
    let (scope, made) = created(&world).await;
    let provider = &Provider::of(&made);
    let ids = seed(&world, provider, &scope, users).await;
    let mut made = Vec::new();
    for (n, members) in (0..groups).zip(ids.chunks(users / groups).cycle()) {
        let body = json!({"displayName": format!("Group {n}"), "members": values(members)});
        made.push(provider.post("/Groups", body).await.expect(201).id());
    }
    let requests: Vec<_> = (0..200)
        .map(|n| {
            let (user, group) = (&ids[n * 7 % users], &made[n % groups]);
            let op = if n % 2 == 0 { "remove" } else { "add" };
            let members = json!([{"op": op, "path": "members", "value": [{"value": user}]}]);
            let title = json!([{"op": "replace", "path": "title", "value": format!("{n}")}]);
            match n % 4 {
                0 | 1 => (format!("/Groups/{group}"), Some(members)),
                2 => (format!("/Users/{user}"), Some(title)),
                _ => (format!("/Users?filter=id%20eq%20%22{user}%22"), None),
            }
        })
        .collect();
    let started = Instant::now();
    let sent = stream::iter(requests).map(|(path, operations)| async move {
        let reply = match operations {
            Some(operations) => provider.patch(&path, operations).await,
            None => provider.get(&path).await,
        };
        // Two changes of one group at the same time may be too many.
        assert!(
            reply.status < 300 || reply.status == 503,
            "{path}: {reply:?}"
        );
    });
    sent.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    started.elapsed()
}

#[tokio::test]
async fn a_large_directory_answers_as_fast_as_a_small_one() {
    let before = time(50, 10).await;
    let large = time(5_000, 200).await;
    let small = before.max(time(50, 10).await);
    let rate = 200.0 / large.as_secs_f64();
    assert!(rate >= 25.0, "{rate:.0} requests a second");
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    assert!(ratio < 2.0, "{small:?} and {large:?}");
}
