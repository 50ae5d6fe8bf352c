//! The number of members of an organization follows the events in the table's stream, and is exact once all of them have
//! been counted: in any order, twice, in part, and with faults on the way.

mod first_counts;

use std::time::Duration;

use fastrand::Rng;
use futures::future::join_all;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::member_counts::{pass, pass_all, records, violations};
use support::{Actor, Fault, Faults, Lines, World};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(30);
const NONE: [String; 0] = [];

/// The number that the API shows.
async fn shown(actor: &Actor, organization: &str) -> Value {
    let path = format!("/organizations/{organization}");
    actor.get(&path).await.expect(200).body["member_count"].clone()
}

/// Fails unless the number of every organization is that of its members.
#[track_caller]
fn exact(items: &[serde_json::Map<String, Value>]) {
    assert_eq!(violations(items), NONE);
}

/// An organization of ada, whose number of members has all that happened to it.
async fn organization(world: &World) -> (Actor, String) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let all = [
        ("bob", "admin", "active"),
        ("cyd", "member", "suspended"),
        ("dee", "member", "active"),
        ("eve", "member", "invited"),
    ];
    for (user, role, status) in all {
        world.member(&id, user, role, status).await;
    }
    let member = |user: &str| format!("/organizations/{id}/members/{user}");
    ada.patch(
        &member("dee"),
        json!({"role": "manager", "status": "suspended"}),
    )
    .await
    .expect(200);
    ada.patch(&member("cyd"), json!({"status": "active"}))
        .await
        .expect(200);
    world
        .user("eve")
        .post_empty(&format!("{}/accept", member("eve")))
        .await
        .expect(200);
    ada.delete(&member("bob")).await.expect(204);
    // Left: ada, cyd and eve.
    (ada, id)
}

#[tokio::test]
async fn the_number_follows_every_change_of_a_member() {
    let world = World::with(Options {
        event_sources: true,
        ..Options::default()
    });
    let world = world.await;
    let (ada, id) = organization(&world).await;
    let members = format!("/organizations/{id}/members");
    let wait_for = async |count: u64| {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = shown(&ada, &id).await;
            if now == count {
                break;
            }
            assert!(Instant::now() < until, "{now} instead of {count}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    wait_for(3).await;
    let user = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, user).await.expect(201);
    wait_for(4).await;
    ada.delete(&format!("{members}/cyd")).await.expect(204);
    wait_for(3).await;
    let suspended = json!({"status": "suspended"});
    ada.patch(&format!("{members}/bob"), suspended)
        .await
        .expect(200);
    wait_for(2).await;
    exact(&world.items().await);
}

#[tokio::test]
async fn events_count_once_in_any_order() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    let other = world.organization(&ada, "Wheels").await;
    assert_eq!(shown(&ada, &id).await, 0);
    for seed in 0..4 {
        pass_all(&world, &mut Rng::with_seed(seed)).await;
        assert_eq!(shown(&ada, &id).await, 3);
        assert_eq!(shown(&ada, &other).await, 1);
    }
    exact(&world.items().await);
}

#[tokio::test]
async fn a_number_is_never_shown_below_zero() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    for user in ["bob", "cyd"] {
        world.member(&id, user, "member", "active").await;
        let member = format!("/organizations/{id}/members/{user}");
        ada.delete(&member).await.expect(204);
    }
    let records = records(&world).await;
    let is_removal =
        |record: &Value| record["dynamodb"]["NewImage"]["type"]["S"] == "membership.removed";
    let (removals, others): (Vec<_>, Vec<_>) = records.into_iter().partition(is_removal);
    assert_eq!(removals.len(), 2);
    assert_eq!(pass(&world, &removals).await, NONE);
    assert_eq!(shown(&ada, &id).await, 0);
    assert_eq!(pass(&world, &others).await, NONE);
    assert_eq!(shown(&ada, &id).await, 1);
}

#[tokio::test]
async fn a_lost_answer_counts_once() {
    for is_forgetful in [false, true] {
        for fault in [
            Fault::CutAfter,
            Fault::CutWithin,
            Fault::CutBefore,
            Fault::Conflict,
        ] {
            let (world, faults) = Faults::world(Options::default()).await;
            let (ada, id) = organization(&world).await;
            if is_forgetful {
                faults.forget_tokens();
            }
            faults.next("TransactWriteItems COUNTED", &[fault, fault]);
            let records = records(&world).await;
            assert_eq!(pass(&world, &records).await, NONE, "{fault:?}");
            assert_eq!(faults.stop(), 0);
            assert_eq!(shown(&ada, &id).await, 3, "{fault:?} {is_forgetful}");
            exact(&world.items().await);
        }
    }
}

#[tokio::test]
async fn a_batch_that_fails_in_part_is_passed_again() {
    let (world, faults) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let all = (0..100).map(|n| (id.clone(), format!("user-{n}"), "member", "active"));
    world.memberships(&all.collect::<Vec<_>>()).await;
    let other = world.organization(&ada, "Wheels").await;
    // The first 90 events are counted; then the table fails.
    let records = records(&world).await;
    let of_other = format!("#ORG#{other}#MEMBERS");
    faults.next(
        &format!("TransactWriteItems {of_other}"),
        &[Fault::Validation],
    );
    let failed = pass(&world, &records).await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(shown(&ada, &id).await, 101);
    assert_eq!(pass(&world, &records).await, NONE);
    assert_eq!(shown(&ada, &id).await, 101);
    assert_eq!(shown(&ada, &other).await, 1);

    // And within one organization.
    let more = (100..205).map(|n| (id.clone(), format!("user-{n}"), "member", "active"));
    world.memberships(&more.collect::<Vec<_>>()).await;
    let records = support::member_counts::records(&world).await;
    faults.at_random(40, 7);
    let mut left = records.clone();
    for _ in 0..20 {
        let failed = pass(&world, &left).await;
        // All behind the first one that failed are passed again.
        let first = left.iter().position(|record| {
            failed
                .iter()
                .any(|it| record["dynamodb"]["SequenceNumber"] == **it)
        });
        left = first.map_or_else(Vec::new, |first| left[first..].to_vec());
        if left.is_empty() {
            break;
        }
    }
    faults.stop();
    assert_eq!(pass(&world, &records).await, NONE);
    assert_eq!(shown(&ada, &id).await, 206);
    exact(&world.items().await);
}

#[tokio::test]
async fn many_readers_count_the_same_events_once() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    let records = records(&world).await;
    let passed = join_all((0..6).map(|_| pass(&world, &records))).await;
    assert_eq!(passed.concat(), NONE);
    assert_eq!(shown(&ada, &id).await, 3);
    exact(&world.items().await);
}

#[tokio::test]
async fn a_table_that_is_down_returns_the_records() {
    let (options, lines) = Lines::collect(Options::default());
    let (world, faults) = Faults::world(options).await;
    let (ada, id) = organization(&world).await;
    let records = records(&world).await;
    lines.take();
    faults.always("TransactWriteItems", Fault::Validation);
    assert_eq!(pass(&world, &records).await.len(), records.len());
    faults.stop();
    let lines = lines.take();
    let failure = lines.iter().find(|line| line["message"] == "failure");
    assert_eq!(failure.unwrap()["code"], "members-not-counted");
    let line = lines.iter().find(|line| line["message"] == "count members");
    assert_eq!(line.unwrap()["CountsFailed"], records.len());
    assert_eq!(shown(&ada, &id).await, 0);
    assert_eq!(pass(&world, &records).await, NONE);
    assert_eq!(shown(&ada, &id).await, 3);
}

#[tokio::test]
async fn an_unreadable_event_does_not_stop_the_others() {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let (ada, id) = organization(&world).await;
    let mut records = records(&world).await;
    let mut poison = records[0].clone();
    poison["dynamodb"]["NewImage"]["record"]["S"] = json!("{\"actor\": \"Lovelace\"");
    records.insert(1, poison);
    lines.take();
    assert_eq!(pass(&world, &records).await, NONE);
    assert_eq!(shown(&ada, &id).await, 3);
    let lines = lines.take();
    let failure = lines
        .iter()
        .find(|line| line["code"] == "event-not-counted");
    assert!(failure.is_some(), "{lines:?}");
    assert!(!json!(lines).to_string().contains("Lovelace"));
}

#[tokio::test]
async fn counting_never_meets_the_change_of_a_member() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (ada, id) = organization(&world).await;
    let records = records(&world).await;
    let mut held = faults.hold("TransactWriteItems COUNTED");
    let change = async {
        held.arrived().await;
        world.calls.take();
        let members = format!("/organizations/{id}/members");
        let bob = json!({"user_id": "bob", "status": "active"});
        ada.post(&members, bob).await.expect(201);
        ada.delete(&format!("{members}/bob")).await.expect(204);
        let calls = world.calls.take();
        assert!(!calls.is_empty());
        for call in calls {
            assert!(!call.input.to_string().contains("#MEMBERS"), "{call:?}");
        }
        held.release();
    };
    let (failed, ()) = tokio::join!(pass(&world, &records), change);
    assert_eq!(failed, NONE);
}

#[tokio::test]
async fn the_number_changes_the_tag_but_not_the_version() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    let path = format!("/organizations/{id}");
    let tag = async || {
        let read = ada.get(&path).await.expect(200);
        read.headers["etag"].clone()
    };
    let before = tag().await;
    pass_all(&world, &mut Rng::with_seed(1)).await;
    let after = tag().await;
    assert_ne!(before, after);
    let body = json!({"domain": "rockets.example"});
    let request = ada.request(Method::PATCH, &path).json(&body);
    let changed = ada.send(request.header("if-match", &before)).await;
    let changed = changed.expect(200).body;
    assert_eq!(changed["version"], 2);
    assert_eq!(changed.get("member_count"), None);
}

#[tokio::test]
async fn a_restored_organization_has_its_number() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    let path = format!("/organizations/{id}");
    ada.delete(&path).await.expect(204);
    pass_all(&world, &mut Rng::with_seed(1)).await;
    ada.get(&path).await.problem(404, "not-found");
    ada.post_empty(&format!("{path}/restore")).await.expect(200);
    assert_eq!(shown(&ada, &id).await, 3);
}
