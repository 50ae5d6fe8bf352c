//! Random histories of two directories at the same time: runs, logins, changes in Entra and by hand, failures of the table
//! and of Graph, and runs that are killed. In the end each tenant has what its own directory says, and what is by hand is as
//! it was.
//!
//! In half of them, nothing is removed by hand, and the runs end with what has changed alone. In the others, the second
//! directory ends few memberships at once, and its blocked runs are sometimes confirmed.

use std::collections::BTreeMap;

use fastrand::Rng;
use futures::future::join;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::history::seeds;
use support::{Faults, World, invariants};

use super::{ENTRA_PATH, SAMPLE, send};
use crate::domains::verified;

/// Histories per test run.
const HISTORIES: usize = 6;
const STEPS: usize = 30;
const USERS: usize = 4;
const GROUPS: usize = 3;
const TENANTS: [&str; 2] = ["globex", "initech"];
/// How many memberships the second directory ends without a confirmation.
const FEW: u64 = 1;

/// A tenant with its directory, as the test knows it.
struct Tenant {
    name: &'static str,
    /// The path of the directory.
    path: String,
    /// The members of each group.
    groups: [[bool; USERS]; GROUPS],
    enabled: [bool; USERS],
    /// Whether a user is known here.
    known: [bool; USERS],
    /// Who was added to the organization of a group by hand.
    by_hand: [[bool; USERS]; GROUPS],
    /// How many memberships confirmed runs may end.
    confirmed: Vec<u64>,
}

fn number(tenant: usize, kind: usize, n: usize) -> String {
    format!("{tenant}{kind}000000-0000-4000-8000-{n:012}")
}

fn user(n: usize) -> String {
    format!("user-{n}")
}

impl Tenant {
    /// The Entra tenant, as the local Entra takes it.
    fn entra(&self) -> Value {
        let tenant = TENANTS.iter().position(|name| *name == self.name).unwrap();
        let users = (0..USERS).map(|n| {
            json!({"id": number(tenant, 1, n), "user_id": user(n), "display_name": user(n),
                "email": format!("{}@{}.example", user(n), self.name),
                "account_enabled": self.enabled[n]})
        });
        let groups = self.groups.iter().enumerate().map(|(n, members)| {
            let members = (0..USERS).filter(|user| members[*user]).map(user);
            json!({"id": number(tenant, 2, n), "display_name": format!("Group {n}"),
                "members": members.collect::<Vec<_>>()})
        });
        let assignments = (0..GROUPS).map(|n| json!({"to": number(tenant, 2, n)}));
        json!({
            "tenant_id": self.name,
            "application": {
                "tenant": number(tenant, 3, 0), "client_id": number(9, 3, 1),
                "client_secret": "local-secret", "service_principal_id": number(tenant, 3, 2),
                "display_name": "Muster",
            },
            "domains": [format!("{}.example", self.name)],
            "users": users.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "assignments": assignments.collect::<Vec<_>>(),
        })
    }
}

struct History {
    world: World,
    faults: Faults,
    rng: Rng,
    tenants: Vec<Tenant>,
    /// Whether synced memberships are removed by hand, which is no change of Entra, and the second directory has a low
    /// limit.
    is_removed_by_hand: bool,
    /// The last run before the limits were lifted.
    settled: Option<String>,
    /// The outcomes of runs, and how often.
    outcomes: BTreeMap<String, usize>,
}

impl History {
    async fn start(seed: u64) -> Self {
        let (world, faults) = Faults::world(Options::default()).await;
        let tenants = TENANTS.map(|name| Tenant {
            name,
            path: String::new(),
            groups: [[true; USERS]; GROUPS],
            enabled: [true; USERS],
            known: [false; USERS],
            by_hand: [[false; USERS]; GROUPS],
            confirmed: Vec::new(),
        });
        let mut rng = Rng::with_seed(seed);
        let mut history = Self {
            world,
            faults,
            is_removed_by_hand: rng.bool(),
            rng,
            tenants: tenants.into(),
            settled: None,
            outcomes: BTreeMap::new(),
        };
        history.publish(&json!([])).await;
        for (n, name) in TENANTS.iter().enumerate() {
            let domain = format!("{name}.example");
            let world = &history.world;
            let owner = world.user_of(name, "boss");
            let office = world.organization(&owner, "Head office").await;
            verified(world, &owner, &office, &domain).await;
            let limit = match n {
                1 if history.is_removed_by_hand => json!({"percent": 1, "count": FEW}),
                _ => json!({"count": 1000}),
            };
            let body = json!({
                "name": name, "type": "entra",
                "entra": {"tenant_id": number(n, 3, 0), "domain": domain,
                    "service_principal_id": number(n, 3, 2), "client_id": number(9, 3, 1)},
                "settings": {"create_organizations": true, "removal_limit": limit},
            });
            let root = world.tenant_admin_of(name);
            let made = root.post("/directories", body).await.expect(201);
            let path = &mut history.tenants[n].path;
            path.clone_from(&made.headers["location"]);
            // Most have signed in before.
            for who in 1..USERS {
                history.sign_in(n, who).await;
            }
        }
        history
    }

    /// Shows the local Entra what the directories are now.
    async fn publish(&self, faults: &Value) {
        let mut all: Value = serde_json::from_str(SAMPLE).unwrap();
        let others = self.tenants.iter().map(Tenant::entra);
        all["other_tenants"] = others.collect();
        all["faults"] = faults.clone();
        send(&self.world, Method::PUT, ENTRA_PATH, &all).await;
    }

    async fn run(&self, n: usize) {
        let tenant = &self.tenants[n];
        let id = tenant.path.strip_prefix("/directories/").unwrap();
        let task = json!({"tenant_id": tenant.name, "directory_id": id}).to_string();
        let batch = json!({"Records": [{"messageId": "1", "body": task}]});
        self.world.invoke("reconcile-directory", &batch).await;
    }

    async fn sign_in(&mut self, n: usize, who: usize) {
        let tenant = &mut self.tenants[n];
        let event = json!({"triggerSource": "PostLogin", "tenantId": tenant.name,
            "userId": user(who), "email": format!("{}@{}.example", user(who), tenant.name),
            "entraObjectId": number(n, 1, who)});
        tenant.known[who] = true;
        assert_eq!(self.world.invoke("post-login", &event).await, event);
    }

    async fn step(&mut self) {
        let (n, who) = (self.rng.usize(..2), self.rng.usize(..USERS));
        let group = self.rng.usize(..GROUPS);
        match self.rng.u8(..12) {
            0..3 => {
                let member = &mut self.tenants[n].groups[group][who];
                *member = !*member;
                self.publish(&json!([])).await;
            }
            3 => {
                let enabled = &mut self.tenants[n].enabled[who];
                *enabled = !*enabled;
                self.publish(&json!([])).await;
            }
            // With a disabled account, Entra lets no one sign in.
            4 if self.tenants[n].enabled[who] => self.sign_in(n, who).await,
            4 => {}
            5 => {
                join(self.run(0), self.run(1)).await;
            }
            6 => {
                // Two messages of one directory, and the other one.
                join(join(self.run(n), self.run(n)), self.run(1 - n)).await;
            }
            7 => {
                // The table fails now and then, which can end a run anywhere.
                self.faults.at_random(10, self.rng.u64(..));
                join(self.run(0), self.run(1)).await;
                self.faults.stop();
            }
            8 => {
                let on = [
                    "user-groups",
                    "group-changes",
                    "user-changes",
                    "assigned-groups",
                ];
                let on = on[self.rng.usize(..on.len())];
                let status = [429, 500, 503][self.rng.usize(..3)];
                let fault = json!([{"on": on, "status": status, "retry_after": 0}]);
                self.publish(&fault).await;
                join(self.run(0), self.run(1)).await;
                self.publish(&json!([])).await;
            }
            9 => {
                // Both are killed somewhere, and another invocation follows when they have lost the right to run.
                self.faults.kill_after(self.rng.u64(1..60));
                join(self.run(0), self.run(1)).await;
                self.faults.stop();
                self.end_leases().await;
            }
            10 => self.confirm().await,
            _ => self.by_hand(n, who, group).await,
        }
    }

    /// A tenant admin confirms the blocked run of the second directory.
    async fn confirm(&mut self) {
        let path = self.tenants[1].path.clone();
        let root = self.world.tenant_admin_of(TENANTS[1]);
        let shown = root.get(&path).await.expect(200).body;
        let blocked = &shown["blocked_run_id"];
        if blocked.is_null() {
            return;
        }
        let runs = root.all(&format!("{path}/runs")).await;
        let run = runs.iter().find(|run| run["id"] == *blocked).unwrap();
        let held_back = run["numbers"]["memberships_held_back"].as_u64().unwrap();
        self.tenants[1].confirmed.push(held_back);
        let confirm = json!({"confirm": blocked});
        root.post(&format!("{path}/sync"), confirm)
            .await
            .expect(200);
    }

    /// A tenant admin makes a member an owner, adds a member, or takes a membership away.
    async fn by_hand(&mut self, n: usize, who: usize, group: usize) {
        let root = self.world.tenant_admin_of(TENANTS[n]);
        let members = format!("/organizations/{}/members", number(n, 2, group));
        let member = format!("{members}/{}", user(who));
        let by_hand = &mut self.tenants[n].by_hand[group][who];
        let status = match self.rng.u8(..3) {
            0 => root.patch(&member, json!({"role": "owner"})).await.status,
            1 => {
                let added = json!({"user_id": user(who), "status": "active"});
                let status = root.post(&members, added).await.status;
                *by_hand |= status == 201;
                status
            }
            _ if *by_hand || self.is_removed_by_hand => {
                let status = root.delete(&format!("{member}?force=true")).await.status;
                *by_hand &= status != 204;
                status
            }
            _ => 200,
        };
        assert!(
            [200, 201, 204, 404, 409, 422].contains(&status),
            "{member}: {status}"
        );
    }

    /// A run that was killed keeps its right to run for three minutes: they are over.
    async fn end_leases(&self) {
        for (n, name) in TENANTS.iter().enumerate() {
            let id = self.tenants[n].path.strip_prefix("/directories/").unwrap();
            let past = "2026-01-01T00:00:00.000Z".to_owned();
            let past = aws_sdk_dynamodb::types::AttributeValue::S(past);
            let partition = format!("TENANT#{name}#DIRECTORIES");
            let key = format!("RUNS#{id}");
            self.world
                .tamper(&partition, &key, "lease_until", past)
                .await;
        }
    }

    /// Runs both directories until they have nothing more to do.
    async fn settle(&mut self) {
        let root = self.world.tenant_admin_of(TENANTS[1]);
        let all = root.all(&format!("{}/runs", self.tenants[1].path)).await;
        self.settled = all
            .first()
            .map(|run| run["id"].as_str().unwrap().to_owned());
        for tenant in self.tenants.iter().filter(|_| self.is_removed_by_hand) {
            // A changed setting makes the next run read everything: a membership that was removed by hand is no change.
            let root = self.world.tenant_admin_of(tenant.name);
            let change = json!({"settings": {"removal_limit": {"count": 1001}}});
            root.patch(&tenant.path, change).await.expect(200);
        }
        for _ in 0..4 {
            self.end_leases().await;
            join(self.run(0), self.run(1)).await;
        }
    }

    async fn check(&mut self, seed: u64) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            let root = self.world.tenant_admin_of(tenant.name);
            let last = root.get(&tenant.path).await.expect(200).body;
            let mut is_last_owner_out = false;
            let all = root.all(&format!("{}/runs", tenant.path)).await;
            if !self.is_removed_by_hand {
                assert_eq!(all[0]["kind"], "changes", "{seed}: {}", all[0]);
            }
            for run in all {
                let ended = run["numbers"]["memberships_ended"].as_u64().unwrap();
                if n == 1
                    && self.is_removed_by_hand
                    && run["id"].as_str() <= self.settled.as_deref()
                {
                    let may_end = tenant.confirmed.iter().max().copied().unwrap_or(0).max(FEW);
                    assert!(ended <= may_end, "{seed}: more than {may_end} end: {run}");
                }
                let outcome = run["outcome"].as_str().unwrap().to_owned();
                *self.outcomes.entry(outcome).or_default() += 1;
            }
            for who in (0..USERS).filter(|who| tenant.known[*who]) {
                let shown = root.get(&format!("/users/{}", user(who))).await;
                let is_disabled = shown.expect(200).body["status"] == "disabled";
                assert_eq!(is_disabled, !tenant.enabled[who], "{seed}: {}", user(who));
                for group in 0..GROUPS {
                    let path = format!(
                        "/organizations/{}/members/{}",
                        number(n, 2, group),
                        user(who)
                    );
                    let found = root.get(&path).await;
                    let what = format!("{seed}: {} {path}: {found:?}", tenant.name);
                    let is_member = found.status == 200;
                    if tenant.by_hand[group][who] {
                        assert!(is_member && found.body["source"] == "manual", "{what}");
                        continue;
                    }
                    if !tenant.enabled[who] {
                        // Their memberships are as they were when the account ended.
                        continue;
                    }
                    let is_owner = is_member && found.body["role"] == "owner";
                    let is_in_group = tenant.groups[group][who];
                    assert!(is_member == is_in_group || is_owner, "{what}");
                    is_last_owner_out |= is_owner && !is_in_group;
                }
            }
            // Each run tries again to end the membership of a last owner.
            let expected = if is_last_owner_out {
                "partial"
            } else {
                "unchanged"
            };
            assert_eq!(last["last_run"]["outcome"], expected, "{seed}: {last}");
        }
        invariants::check(&self.world.items().await);
    }
}

#[tokio::test]
async fn random_histories_of_two_directories_converge() {
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds(HISTORIES) {
        let mut history = History::start(seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        history.settle().await;
        history.check(seed).await;
        for (outcome, count) in history.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    println!("{outcomes:?}");
    // Histories in which nothing happens would prove nothing.
    if std::env::var("MUSTER_SEED").is_err() {
        for outcome in ["synced", "unchanged", "failed"] {
            assert!(outcomes.contains_key(outcome), "{outcome}: {outcomes:?}");
        }
    }
}
