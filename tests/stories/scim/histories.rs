//! Random histories of two directories of type `scim` at the same time: writes of the identity providers, logins, runs,
//! changes by hand, and a table that fails. In the end each tenant has what its own directory says, and what is by hand
//! is as it was.

use std::collections::BTreeMap;

use fastrand::Rng;
use futures::future::{join, join3};
use muster_local::Options;
use serde_json::{Value, json};
use support::history::seeds;
use support::{Faults, World, invariants};

use super::client::Provider;

/// Histories per test run.
const HISTORIES: usize = 6;
const STEPS: usize = 40;
const USERS: usize = 4;
const GROUPS: usize = 3;
const TENANTS: [&str; 2] = ["globex", "initech"];

/// A tenant with its directory, as the test knows it.
struct Tenant {
    name: &'static str,
    provider: Provider,
    /// The path of the directory.
    path: String,
    /// The id of each directory user.
    users: Vec<String>,
    /// The id of each group.
    groups: Vec<String>,
    members: [[bool; USERS]; GROUPS],
    /// Whether the name of a group is one that the settings follow.
    is_followed: [bool; GROUPS],
    active: [bool; USERS],
    /// Whether a user is known here.
    known: [bool; USERS],
}

/// What happened, and how often.
type Counts = BTreeMap<&'static str, usize>;

struct History {
    world: World,
    faults: Faults,
    rng: Rng,
    tenants: Vec<Tenant>,
    counts: Counts,
}

fn user(n: usize) -> String {
    format!("user-{n}")
}

/// Sends a request until it succeeds, as identity providers do. Returns its answer.
async fn until_done(
    provider: &Provider,
    faults: &Faults,
    (method, path, body): (&str, &str, Option<&Value>),
) -> Value {
    for _ in 0..20 {
        let reply = provider.call(method, path, body).await;
        if reply.status < 300 {
            return reply.body;
        }
        // The one before was carried out, and its answer was lost.
        if method == "DELETE" && reply.status == 404 {
            return Value::Null;
        }
        assert!(reply.status >= 500, "{method} {path}: {reply:?}");
        faults.stop();
    }
    panic!("{method} {path} does not succeed")
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

impl Tenant {
    async fn start(world: &World, name: &'static str) -> Self {
        let root = world.tenant_admin_of(name);
        let body = json!({"name": name, "type": "scim", "settings":
            {"create_organizations": true, "group_filter": {"prefix": "App-"}}});
        let made = root.post("/directories", body).await.expect(201);
        let provider = Provider::of(&made.body);
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for n in 0..USERS {
            users.push(provider.user(&user(n)).await);
        }
        for n in 0..GROUPS {
            let members: Vec<_> = users.iter().map(|id| json!({"value": id})).collect();
            let body = json!({"displayName": format!("App-{n}"), "members": members});
            groups.push(provider.post("/Groups", body).await.expect(201).id());
        }
        Self {
            name,
            provider,
            path: made.headers["location"].clone(),
            users,
            groups,
            members: [[true; USERS]; GROUPS],
            is_followed: [true; GROUPS],
            active: [true; USERS],
            known: [false; USERS],
        }
    }

    /// A change of the directory, which the test then knows: of a membership, of an account, or of a name.
    fn change(&mut self, rng: &mut Rng) -> (&'static str, String, Value) {
        let (who, group) = (rng.usize(..USERS), rng.usize(..GROUPS));
        let path = format!("/Groups/{}", self.groups[group]);
        match rng.u8(..6) {
            0 => {
                let active = &mut self.active[who];
                *active = !*active;
                let body = json!([{"op": "Replace", "path": "active", "value": *active}]);
                ("active", format!("/Users/{}", self.users[who]), patch(body))
            }
            1 => {
                let is_followed = &mut self.is_followed[group];
                *is_followed = !*is_followed;
                let start = if *is_followed { "App" } else { "Other" };
                let name = format!("{start}-{group}");
                let body = json!([{"op": "replace", "path": "displayName", "value": name}]);
                ("name", path, patch(body))
            }
            _ => {
                let is_member = &mut self.members[group][who];
                *is_member = !*is_member;
                let op = if *is_member { "add" } else { "remove" };
                let value = json!([{"value": self.users[who]}]);
                let body = json!([{"op": op, "path": "members", "value": value}]);
                ("members", path, patch(body))
            }
        }
    }
}

impl History {
    async fn start(seed: u64) -> Self {
        let (world, faults) = Faults::world(Options::default()).await;
        let mut tenants = Vec::new();
        for name in TENANTS {
            tenants.push(Tenant::start(&world, name).await);
        }
        Self {
            world,
            faults,
            rng: Rng::with_seed(seed),
            tenants,
            counts: Counts::new(),
        }
    }

    async fn take_up(&self, n: usize) {
        let tenant = &self.tenants[n];
        let id = tenant.path.strip_prefix("/directories/").unwrap();
        let task = json!({"tenant_id": tenant.name, "directory_id": id}).to_string();
        let batch = json!({"Records": [{"messageId": "1", "body": task}]});
        self.world.invoke("reconcile-directory", &batch).await;
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

    async fn step(&mut self) {
        let (n, who) = (self.rng.usize(..2), self.rng.usize(..USERS));
        let group = self.rng.usize(..GROUPS);
        let kind = self.rng.u8(..8);
        let is_failing = self.rng.u8(..4) == 0;
        if is_failing {
            self.faults.at_random(10, self.rng.u64(..));
            *self.counts.entry("failing").or_default() += 1;
        }
        match kind {
            0..4 => {
                let mut changes = Vec::new();
                for n in 0..2 {
                    let (what, path, body) = self.tenants[n].change(&mut self.rng);
                    *self.counts.entry(what).or_default() += 1;
                    changes.push((path, body));
                }
                let send = |n: usize| {
                    let (path, body) = &changes[n];
                    let provider = &self.tenants[n].provider;
                    until_done(provider, &self.faults, ("PATCH", path, Some(body)))
                };
                // Writes of both directories, with a login, a run or a change by hand at the same time.
                let is_removed = self.rng.bool();
                let beside = async {
                    match kind {
                        0 => self.sign_in(n, who).await,
                        1 => self.take_up(n).await,
                        2 => self.by_hand(n, (who, group), is_removed).await,
                        _ => {}
                    }
                };
                join3(send(0), send(1), beside).await;
                if kind == 0 {
                    self.tenants[n].known[who] = true;
                }
            }
            4 => {
                join(self.sign_in(0, who), self.sign_in(1, who)).await;
                self.tenants[0].known[who] = true;
                self.tenants[1].known[who] = true;
            }
            5 => {
                join3(self.take_up(n), self.take_up(n), self.take_up(1 - n)).await;
            }
            6 => {
                let is_removed = self.rng.bool();
                self.by_hand(n, (who, group), is_removed).await;
            }
            _ => self.replace_user(n, who).await,
        }
        self.faults.stop();
    }

    /// Deletes a directory user and creates it again, beside a login of the same person.
    async fn replace_user(&mut self, n: usize, who: usize) {
        let tenant = &self.tenants[n];
        if !tenant.active[who] {
            // A user who was disabled by the directory stays so, and no longer follows it.
            return;
        }
        *self.counts.entry("replaced").or_default() += 1;
        let path = format!("/Users/{}", tenant.users[who]);
        let deleted = until_done(&tenant.provider, &self.faults, ("DELETE", &path, None));
        join(deleted, self.sign_in(n, who)).await;
        self.faults.stop();
        let id = tenant.provider.user(&user(who)).await;
        self.sign_in(n, who).await;
        let tenant = &mut self.tenants[n];
        tenant.users[who] = id;
        tenant.known[who] = true;
        for group in &mut tenant.members {
            group[who] = false;
        }
    }

    /// Takes up what is left, and gives back what was taken away by hand.
    async fn settle(&self) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            // Each user who is known signs in, so that all are linked.
            for who in (0..USERS).filter(|who| tenant.known[*who]) {
                self.sign_in(n, who).await;
            }
            let root = self.world.tenant_admin_of(tenant.name);
            let change = json!({"settings": {"removal_limit": {"count": 1001}}});
            root.patch(&tenant.path, change).await.expect(200);
            // A run that a failing table has ended may keep its lease for three minutes.
            let id = tenant.path.strip_prefix("/directories/").unwrap();
            let past = "2026-01-01T00:00:00.000Z".to_owned();
            let past = aws_sdk_dynamodb::types::AttributeValue::S(past);
            let partition = format!("TENANT#{}#DIRECTORIES", tenant.name);
            let key = format!("RUNS#{id}");
            self.world
                .tamper(&partition, &key, "lease_until", past)
                .await;
            self.take_up(n).await;
        }
    }

    async fn check(&self, seed: u64) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            let root = self.world.tenant_admin_of(tenant.name);
            for who in (0..USERS).filter(|who| tenant.known[*who]) {
                let shown = root.get(&format!("/users/{}", user(who))).await;
                let is_disabled = shown.expect(200).body["status"] == "disabled";
                let name = format!("{seed}: {} {}", tenant.name, user(who));
                assert_eq!(is_disabled, !tenant.active[who], "{name}");
                if is_disabled {
                    // Their memberships are as they were when the account ended.
                    continue;
                }
                for (group, id) in tenant.groups.iter().enumerate() {
                    let member = format!("/organizations/{id}/members/{}", user(who));
                    let found = root.get(&member).await;
                    let is_member = found.status == 200;
                    let is_owner = is_member && found.body["role"] == "owner";
                    let is_given = tenant.members[group][who] && tenant.is_followed[group];
                    assert!(
                        is_member == is_given || is_owner,
                        "{name} in {n}.{group}: given {is_given}, {found:?}"
                    );
                }
            }
            // No other directory's users have come here.
            let all = root.all("/users?limit=100").await;
            assert!(all.len() <= USERS + 1, "{seed}: {all:?}");
        }
        let left = self.world.items().await;
        let is_left = |item: &&serde_json::Map<String, Value>| {
            item.contains_key("unapplied") || item["pk"].as_str().unwrap().ends_with("#PENDING")
        };
        let left: Vec<_> = left.iter().filter(is_left).collect();
        assert!(left.is_empty(), "{seed}: {left:?}");
        invariants::check(&self.world.items().await);
    }
}

#[tokio::test]
async fn random_histories_of_scim_converge() {
    let mut counts = Counts::new();
    for seed in seeds(HISTORIES) {
        let mut history = History::start(seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        history.settle().await;
        history.check(seed).await;
        for (what, count) in history.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    println!("{counts:?}");
    for what in ["active", "name", "members", "replaced", "failing"] {
        assert!(counts.contains_key(what), "{what}: {counts:?}");
    }
}
