//! Random histories of two directories at the same time: runs, logins, changes in Entra and by hand, and failures of the
//! table and of Graph. In the end each tenant has what its own directory says, and what is by hand is as it was.

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
        });
        let mut history = Self {
            world,
            faults,
            rng: Rng::with_seed(seed),
            tenants: tenants.into(),
            outcomes: BTreeMap::new(),
        };
        history.publish(&json!([])).await;
        for (n, name) in TENANTS.iter().enumerate() {
            let domain = format!("{name}.example");
            let world = &history.world;
            let owner = world.user_of(name, "boss");
            let office = world.organization(&owner, "Head office").await;
            verified(world, &owner, &office, &domain).await;
            let body = json!({
                "name": name, "type": "entra",
                "entra": {"tenant_id": number(n, 3, 0), "domain": domain,
                    "service_principal_id": number(n, 3, 2), "client_id": number(9, 3, 1)},
                "settings": {"create_organizations": true, "removal_limit": {"count": 1000}},
            });
            let root = world.tenant_admin_of(name);
            let made = root.post("/directories", body).await.expect(201);
            let path = &mut history.tenants[n].path;
            path.clone_from(&made.headers["location"]);
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
        match self.rng.u8(..10) {
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
            4 => self.sign_in(n, who).await,
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
            _ => self.by_hand(n, who, group).await,
        }
    }

    /// A tenant admin makes a member an owner, or takes a synced membership away, or suspends it.
    async fn by_hand(&mut self, n: usize, who: usize, group: usize) {
        let root = self.world.tenant_admin_of(TENANTS[n]);
        let member = format!(
            "/organizations/{}/members/{}",
            number(n, 2, group),
            user(who)
        );
        let status = if self.rng.bool() {
            root.patch(&member, json!({"role": "owner"})).await.status
        } else {
            root.delete(&format!("{member}?force=true")).await.status
        };
        assert!([200, 204, 404, 409].contains(&status), "{member}: {status}");
    }

    /// Runs both directories until they have nothing more to do.
    async fn settle(&mut self) {
        for tenant in &self.tenants {
            // A changed setting makes the next run read everything: a membership that was removed by hand is no change.
            let root = self.world.tenant_admin_of(tenant.name);
            let change = json!({"settings": {"removal_limit": {"count": 1001}}});
            root.patch(&tenant.path, change).await.expect(200);
        }
        for _ in 0..4 {
            // A run that a failing table has ended may keep its lease for three minutes.
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
            join(self.run(0), self.run(1)).await;
        }
    }

    async fn check(&mut self, seed: u64) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            let root = self.world.tenant_admin_of(tenant.name);
            let last = root.get(&tenant.path).await.expect(200).body;
            assert_eq!(last["last_run"]["outcome"], "unchanged", "{seed}: {last}");
            for run in root.all(&format!("{}/runs", tenant.path)).await {
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
                    if !tenant.enabled[who] {
                        // Their memberships are as they were when the account ended.
                        continue;
                    }
                    let is_owner = is_member && found.body["role"] == "owner";
                    let is_right = is_member == tenant.groups[group][who] || is_owner;
                    assert!(is_right, "{what}");
                }
            }
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
    for outcome in ["synced", "unchanged", "failed"] {
        assert!(outcomes.contains_key(outcome), "{outcome}: {outcomes:?}");
    }
}
