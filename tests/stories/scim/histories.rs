//! Random histories of two directories of type `scim` at the same time: writes of the identity providers, new settings,
//! pauses, logins, runs, changes by hand, and a table that fails. In the end each tenant has what its own directory says,
//! and what is by hand is as it was: first without a login, then after everyone has signed in.

mod checks;
mod directory;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::future::{join, join_all};
use muster::domain::Clock;
use muster_local::Options;
use serde_json::{Value, json};
use support::history::seeds;
use support::{Actor, Faults, World};

use self::directory::{Change, Tenant, user};
use super::client::Provider;

/// Histories per test run.
const HISTORIES: usize = 6;
const STEPS: usize = 40;
const USERS: usize = 4;
const GROUPS: usize = 3;
/// Directory users who never sign in, and are members of a group together. Their change is recorded, and carried out in
/// batches.
const CROWD: usize = 33;
const TENANTS: [&str; 2] = ["globex", "initech"];

/// Number of times that each step happened, by its name.
type Counts = BTreeMap<&'static str, usize>;

struct History {
    world: World,
    faults: Faults,
    /// The offset of the clock of the functions in minutes.
    ahead: Arc<AtomicU64>,
    rng: Rng,
    tenants: Vec<Tenant>,
    counts: Counts,
}

impl History {
    async fn start(seed: u64) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let (system, minutes) = (Clock::system(), Arc::clone(&ahead));
        let clock = Clock::from_fn(move || {
            let minutes = minutes.load(Ordering::Relaxed);
            let now = system.now().after(Duration::from_mins(minutes));
            (now, system.new_id())
        });
        let options = Options {
            clock,
            ..Options::default()
        };
        let (world, faults) = Faults::world(options).await;
        let mut tenants = Vec::new();
        for name in TENANTS {
            tenants.push(Tenant::start(&world, name).await);
        }
        Self {
            world,
            faults,
            ahead,
            rng: Rng::with_seed(seed),
            tenants,
            counts: Counts::new(),
        }
    }

    async fn take_up(&self, n: usize) {
        let tenant = &self.tenants[n];
        let task = json!({"tenant_id": tenant.name, "directory_id": tenant.id()}).to_string();
        let batch = json!({"Records": [{"messageId": "1", "body": task}]});
        self.world.invoke("reconcile-directory", &batch).await;
    }

    /// Sends changes of a directory at the same time, each until it succeeds.
    async fn send(&self, n: usize, changes: &[Change]) {
        let tenant = &self.tenants[n];
        let root = &self.world.tenant_admin_of(tenant.name);
        let sent = changes.iter().map(|change| async move {
            let Change {
                method, path, body, ..
            } = change;
            if *method == "SETTINGS" {
                set(root, &self.faults, path, body).await;
            } else {
                until_done(&tenant.provider, &self.faults, (method, path, Some(body))).await;
            }
        });
        join_all(sent).await;
    }

    async fn sign_in(&self, n: usize, who: usize) {
        let attributes = json!({"sub": user(who), "custom:tenant_id": TENANTS[n],
            "custom:entra_object_id": user(who)});
        let event = json!({"triggerSource": "PostAuthentication_Authentication",
            "request": {"userAttributes": attributes}, "response": {}});
        assert_eq!(self.world.invoke("post-login", &event).await, event);
    }

    /// A tenant admin makes a member an owner, or takes a synced membership away.
    async fn by_hand(&self, n: usize, (who, group): (usize, usize), is_removed: bool) {
        let root = self.world.tenant_admin_of(TENANTS[n]);
        let id = &self.tenants[n].groups[group];
        let member = format!("/organizations/{id}/members/{}", user(who));
        let status = if is_removed {
            root.delete(&format!("{member}?force=true")).await.status
        } else {
            root.patch(&member, json!({"role": "owner"})).await.status
        };
        let expected = status >= 500 || [200, 204, 404, 409].contains(&status);
        assert!(expected, "{member}: {status}");
    }

    /// Finishes what requests left unfinished.
    async fn settle(&self) {
        // A run that a failing table has ended may keep its lease for three minutes.
        self.ahead.fetch_add(4, Ordering::Relaxed);
        join(self.take_up(0), self.take_up(1)).await;
    }

    /// Each user who is known signs in, which links all of them, and restores what was taken away manually.
    async fn sign_all_in(&mut self) {
        for n in 0..2 {
            for who in (0..USERS).filter(|who| self.tenants[n].known[*who]) {
                self.sign_in(n, who).await;
            }
            self.tenants[n].taken_away.clear();
        }
    }
}

/// Sends a request until it succeeds, as identity providers do.
async fn until_done(
    provider: &Provider,
    faults: &Faults,
    (method, path, body): (&str, &str, Option<&Value>),
) {
    for _ in 0..20 {
        let reply = provider.call(method, path, body).await;
        // The one before was carried out, and its answer was lost.
        if reply.status < 300 || method == "DELETE" && reply.status == 404 {
            return;
        }
        assert!(reply.status >= 500, "{method} {path}: {reply:?}");
        faults.stop();
    }
    panic!("{method} {path} does not succeed")
}

/// Changes the directory until that succeeds.
async fn set(root: &Actor, faults: &Faults, path: &str, change: &Value) {
    for _ in 0..20 {
        let status = root.patch(path, change.clone()).await.status;
        if status == 200 {
            return;
        }
        assert!(status >= 500, "{path}: {status}");
        faults.stop();
    }
    panic!("{path} is not changed")
}

#[tokio::test]
async fn random_histories_of_scim_converge() {
    let mut counts = Counts::new();
    for seed in seeds(HISTORIES) {
        let mut history = History::start(seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        let linked = history.linked().await;
        history.settle().await;
        history.check(seed, |id| linked.contains(id)).await;
        history.sign_all_in().await;
        history.settle().await;
        history.check(seed, |_| true).await;
        for (what, count) in history.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    println!("{counts:?}");
    for what in [
        "active",
        "put of a user",
        "name",
        "settings",
        "put of a group",
        "crowd",
        "members",
        "group",
        "pause",
        "replaced",
        "failing",
    ] {
        assert!(counts.contains_key(what), "{what}: {counts:?}");
    }
}
