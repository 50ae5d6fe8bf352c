//! The weekly checks of verified domains.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use muster::domain::Clock;
use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, World, invariants};

use super::{domains, events, publish, types, verified, verify};

const DAY: u64 = 24 * 60;
const WEEK: u64 = 7 * DAY;
const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";

/// A world whose clock can be put forward, with an organization whose domain adds users.
struct Scene {
    world: World,
    ahead: Arc<AtomicU64>,
    ada: Actor,
    id: String,
}

/// A world whose clock can be put forward by these minutes.
async fn world(variables: &[(&str, &str)]) -> (World, Arc<AtomicU64>) {
    let ahead = Arc::new(AtomicU64::new(0));
    let minutes = Arc::clone(&ahead);
    let clock = Clock::from_fn(move || {
        let ahead = Duration::from_mins(minutes.load(Ordering::SeqCst));
        let system = Clock::system();
        (system.now().after(ahead), system.new_id())
    });
    let mut options = Options {
        clock,
        ..Options::default()
    };
    let variables = variables.iter();
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    options.variables.extend(variables);
    (World::with(options).await, ahead)
}

impl Scene {
    async fn start() -> Self {
        let (world, ahead) = world(&[]).await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        verified(&world, &ada, &id, "acme.example").await;
        let on = json!({"auto_join": true});
        let path = format!("{}/acme.example", domains(&id));
        ada.patch(&path, on).await.expect(200);
        Self {
            world,
            ahead,
            ada,
            id,
        }
    }

    /// Nothing answers at the address of the resolvers.
    async fn without_resolvers() -> Self {
        let (world, ahead) = world(&[("DOMAIN_RESOLVERS", "127.0.0.1:1")]).await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        let added = json!({"domain": "acme.example"});
        ada.post(&domains(&id), added).await.expect(201);
        let (pk, sk) = (
            format!("TENANT#acme#ORG#{id}#DOMAINS"),
            "DOMAIN#acme.example",
        );
        let place = format!("2026-01-08T00:00:00.000Z#acme#{id}#acme.example");
        for (name, value) in [
            ("status", "verified"),
            ("gsi2pk", "TENANT##CHECKS"),
            ("last_checked_at", LONG_AGO),
            ("gsi2sk", &place),
        ] {
            let value = AttributeValue::S(value.to_owned());
            world.tamper(&pk, sk, name, value).await;
        }
        Self {
            world,
            ahead,
            ada,
            id,
        }
    }

    /// Runs the timer. Returns its numbers.
    async fn run(&self) -> Value {
        let url = format!("{}/_local/timers/recheck-domains", self.world.stack.url());
        let answer = reqwest::Client::new().post(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        answer["result"].clone()
    }

    fn pass_a_week(&self) {
        self.pass(WEEK);
    }

    fn pass(&self, minutes: u64) {
        self.ahead.fetch_add(minutes, Ordering::SeqCst);
    }

    async fn domain(&self) -> Value {
        let path = format!("{}/acme.example", domains(&self.id));
        self.ada.get(&path).await.expect(200).body
    }
}

fn numbers(checked: u32, ended: u32, failed: u32) -> Value {
    json!({"checked": checked, "ended": ended, "failed": failed})
}

#[tokio::test]
async fn three_weeks_without_the_record_end_auto_join() {
    let scene = Scene::start().await;
    let Scene { world, ada, id, .. } = &scene;
    assert_eq!(scene.run().await, numbers(0, 0, 0));
    publish(world, &[]).await;
    for week in 1..=3 {
        assert_eq!(scene.domain().await["status"], "verified", "{week}");
        scene.pass_a_week();
        let ended = u32::from(week == 3);
        assert_eq!(scene.run().await, numbers(1, ended, 0), "{week}");
        assert_eq!(scene.run().await, numbers(0, 0, 0), "{week}");
    }
    let domain = scene.domain().await;
    assert_eq!(domain["status"], "failed");
    assert_eq!(domain["auto_join"], false);
    assert_eq!(domain["verified_at"], Value::Null);
    let events = events(world, id).await;
    let last = events.last().unwrap();
    assert_eq!(last["type"], "domain.updated");
    assert_eq!(last["actor"]["type"], "system");
    assert_eq!(
        last["changes"]["auto_join"],
        json!({"from": true, "to": false})
    );
    // Free for another organization, whose record does not prove it for this one.
    let bob = world.user("bob");
    let other = world.organization(&bob, "Other").await;
    verified(world, &bob, &other, "acme.example").await;
    let hers = ada
        .post_empty(&verify(id, "acme.example"))
        .await
        .expect(200);
    assert_eq!(hers.body["status"], "failed");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_record_that_is_back_starts_again() {
    let scene = Scene::start().await;
    let world = &scene.world;
    let value = scene.domain().await["verification"]["value"].clone();
    for found in [false, false, true, false, false, true] {
        let records = [("acme.example", value.as_str().unwrap())];
        publish(world, if found { &records } else { &[] }).await;
        scene.pass_a_week();
        assert_eq!(scene.run().await, numbers(1, 0, 0));
    }
    let domain = scene.domain().await;
    assert_eq!(
        (&domain["status"], &domain["auto_join"]),
        (&json!("verified"), &json!(true))
    );
    assert_eq!(domain["failure"], Value::Null);
    let events = events(world, &scene.id).await;
    let kinds = types(&events);
    assert_eq!(kinds, ["domain.added", "domain.verified", "domain.updated"]);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn runs_at_once_count_one_miss() {
    let scene = Scene::start().await;
    publish(&scene.world, &[]).await;
    for _ in 0..2 {
        scene.pass_a_week();
        let runs = join_all((0..4).map(|_| scene.run())).await;
        for run in runs {
            assert_eq!((&run["ended"], &run["failed"]), (&json!(0), &json!(0)));
        }
    }
    assert_eq!(scene.domain().await["status"], "verified");
    invariants::check(&scene.world.items().await);
}

/// It is repeated a day later, so that it takes no time from the checks of other domains until then.
#[tokio::test]
async fn a_look_up_that_fails_is_no_miss() {
    let scene = Scene::without_resolvers().await;
    for day in 0..4 {
        assert_eq!(scene.run().await, numbers(0, 0, 1), "{day}");
        assert_eq!(scene.run().await, numbers(0, 0, 0), "{day}");
        scene.pass(DAY - 60);
        assert_eq!(scene.run().await, numbers(0, 0, 0), "{day}");
        scene.pass(60);
    }
    let domain = scene.domain().await;
    assert_eq!(domain["status"], "verified");
    assert_eq!(domain["last_checked_at"], LONG_AGO);
    let items = scene.world.items().await;
    let stored = items.iter().find(|it| it["sk"] == "DOMAIN#acme.example");
    assert_eq!(stored.unwrap()["misses"], 0);
    assert_eq!(stored.unwrap()["version"], 1);
}

/// DynamoDB deletes the item of an organization 30 days after the organization was deleted. Its domain goes with the
/// next check.
#[tokio::test]
async fn the_domain_of_a_purged_organization_is_removed() {
    let scene = Scene::start().await;
    let Scene { world, ada, id, .. } = &scene;
    let organization = format!("/organizations/{id}");
    ada.delete(&organization).await.expect(204);
    scene.pass_a_week();
    // It can still be restored.
    assert_eq!(scene.run().await, numbers(1, 0, 0));
    for _ in 0..5 {
        scene.pass_a_week();
    }
    assert_eq!(scene.run().await, numbers(1, 1, 0));
    let items = world.items().await.into_iter();
    let left: Vec<_> = items
        .filter(|item| {
            let pk = item["pk"].as_str().unwrap();
            pk.ends_with("#DOMAINS") || pk.contains("#VERIFIED#")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(scene.run().await, numbers(0, 0, 0));
    let root = world.tenant_admin();
    let events = root.all("/events?type=domain.removed").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"]["type"], "system");
    let context = &events[0]["context"];
    assert_eq!(context["operation"], "recheckDomains");
    assert!(
        context["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{context}"
    );
}
