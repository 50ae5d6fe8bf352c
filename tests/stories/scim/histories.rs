//! Random histories of two directories of type `scim` at the same time: writes of the identity providers, new settings,
//! pauses, logins, runs, changes by hand, and a table that fails. In the end each tenant has what its own directory says,
//! and what is by hand is as it was: first without a login, then after everyone has signed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::future::{join, join_all, join3};
use muster::domain::Clock;
use muster_local::Options;
use serde_json::{Value, json};
use support::history::seeds;
use support::{Actor, Faults, World, invariants};

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

/// A tenant with its directory, as the test knows it.
struct Tenant {
    name: &'static str,
    provider: Provider,
    /// The path of the directory.
    path: String,
    /// The id of each directory user.
    users: Vec<String>,
    /// The id of each user of the crowd.
    crowd: Vec<String>,
    /// The id of each group.
    groups: Vec<String>,
    /// The ids of groups that were deleted.
    deleted: Vec<String>,
    says: Says,
    /// Whether a user is known here.
    known: [bool; USERS],
    /// What a tenant admin has taken away: the place of the user and the id of the group.
    taken_away: BTreeSet<(usize, String)>,
}

/// What a directory says, and its settings.
#[derive(Clone, Debug, PartialEq)]
struct Says {
    members: [[bool; USERS]; GROUPS],
    /// Whether a group has the crowd.
    crowded: [bool; GROUPS],
    /// Whether the name of a group is one that the settings follow.
    is_followed: [bool; GROUPS],
    /// Whether the settings follow only the groups of some names.
    is_filtered: bool,
    active: [bool; USERS],
}

impl Says {
    /// Whether a group gives a user an organization.
    fn gives(&self, group: usize, who: usize) -> bool {
        self.members[group][who] && (self.is_followed[group] || !self.is_filtered)
    }

    fn name(&self, group: usize) -> String {
        let start = if self.is_followed[group] {
            "App"
        } else {
            "Other"
        };
        format!("{start}-{group}")
    }
}

/// What one request changes. Two requests about different places can be sent at the same time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Active(usize),
    Group(usize),
    Member(usize, usize),
    Crowd(usize),
    Name(usize),
    Settings,
}

impl Place {
    fn overlaps(self, other: Self) -> bool {
        let group = |place| match place {
            Self::Group(group)
            | Self::Member(group, _)
            | Self::Crowd(group)
            | Self::Name(group) => Some(group),
            Self::Active(_) | Self::Settings => None,
        };
        let is_whole = matches!(self, Self::Group(_)) || matches!(other, Self::Group(_));
        self == other || is_whole && group(self) == group(other)
    }
}

/// A request that changes what a directory says.
struct Change {
    what: &'static str,
    place: Place,
    method: &'static str,
    path: String,
    body: Value,
}

/// What happened, and how often.
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

fn user(n: usize) -> String {
    format!("user-{n}")
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

fn values<'a>(ids: impl IntoIterator<Item = &'a String>) -> Value {
    ids.into_iter().map(|id| json!({"value": id})).collect()
}

fn filter(is_filtered: bool) -> Value {
    let filter = is_filtered.then(|| json!({"prefix": "App-"}));
    json!({"settings": {"group_filter": filter}})
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
        let names: Vec<_> = (0..USERS)
            .map(user)
            .chain((0..CROWD).map(|n| format!("crowd-{n}")))
            .collect();
        let mut users = Vec::new();
        for names in names.chunks(4) {
            users.extend(join_all(names.iter().map(|name| provider.user(name))).await);
        }
        let crowd = users.split_off(USERS);
        let says = Says {
            members: [[true; USERS]; GROUPS],
            crowded: [false; GROUPS],
            is_followed: [true; GROUPS],
            is_filtered: true,
            active: [true; USERS],
        };
        let mut groups = Vec::new();
        for n in 0..GROUPS {
            let body = json!({"displayName": says.name(n), "members": values(&users)});
            groups.push(provider.post("/Groups", body).await.expect(201).id());
        }
        Self {
            name,
            provider,
            path: made.headers["location"].clone(),
            users,
            crowd,
            groups,
            deleted: Vec::new(),
            says,
            known: [false; USERS],
            taken_away: BTreeSet::new(),
        }
    }

    fn id(&self) -> &str {
        self.path.strip_prefix("/directories/").unwrap()
    }

    /// A group as a request writes it.
    fn group(&self, group: usize) -> Value {
        let users = (0..USERS).filter(|who| self.says.members[group][*who]);
        let users = users.map(|who| &self.users[who]);
        let crowd = self.crowd.iter().filter(|_| self.says.crowded[group]);
        json!({"displayName": self.says.name(group), "members": values(users.chain(crowd))})
    }

    /// A change of the directory or its settings at a place that none of `others` has. The test knows it then.
    fn change(&mut self, rng: &mut Rng, others: &[Place]) -> Option<Change> {
        let (who, group) = (rng.usize(..USERS), rng.usize(..GROUPS));
        let place = match rng.u8(..16) {
            0..2 => Place::Active(who),
            2..4 => Place::Name(group),
            4 => Place::Settings,
            5..7 => Place::Group(group),
            7..10 => Place::Crowd(group),
            _ => Place::Member(group, who),
        };
        if others.iter().any(|other| other.overlaps(place)) {
            return None;
        }
        let of_group = format!("/Groups/{}", self.groups[group]);
        let of_user = format!("/Users/{}", self.users[who]);
        let says = &mut self.says;
        let (what, method, path, body) = match place {
            Place::Active(_) => {
                let active = &mut says.active[who];
                *active = !*active;
                if rng.bool() {
                    let body = json!([{"op": "Replace", "path": "active", "value": *active}]);
                    ("active", "PATCH", of_user, patch(body))
                } else {
                    let name = user(who);
                    let body = json!({"userName": name, "externalId": name, "active": *active,
                        "title": rng.u8(..3).to_string()});
                    ("put of a user", "PUT", of_user, body)
                }
            }
            Place::Name(_) => {
                says.is_followed[group] = !says.is_followed[group];
                let value = says.name(group);
                let body = json!([{"op": "replace", "path": "displayName", "value": value}]);
                ("name", "PATCH", of_group, patch(body))
            }
            Place::Settings => {
                says.is_filtered = !says.is_filtered;
                let body = filter(says.is_filtered);
                ("settings", "SETTINGS", self.path.clone(), body)
            }
            Place::Group(_) => {
                says.is_followed[group] = rng.bool();
                says.crowded[group] = rng.bool();
                says.members[group] = std::array::from_fn(|_| rng.bool());
                ("put of a group", "PUT", of_group, self.group(group))
            }
            Place::Crowd(_) => {
                let is_crowded = &mut says.crowded[group];
                *is_crowded = !*is_crowded;
                let op = if *is_crowded { "add" } else { "remove" };
                let body = json!([{"op": op, "path": "members", "value": values(&self.crowd)}]);
                ("crowd", "PATCH", of_group, patch(body))
            }
            Place::Member(..) => {
                let is_member = &mut says.members[group][who];
                *is_member = !*is_member;
                let op = if *is_member { "add" } else { "remove" };
                let body =
                    json!([{"op": op, "path": "members", "value": values([&self.users[who]])}]);
                ("members", "PATCH", of_group, patch(body))
            }
        };
        Some(Change {
            what,
            place,
            method,
            path,
            body,
        })
    }
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

    /// What each directory is to change, at one place or at two.
    fn changes(&mut self) -> [Vec<Change>; 2] {
        std::array::from_fn(|n| {
            let (mut changes, mut places) = (Vec::new(), Vec::new());
            for _ in 0..self.rng.usize(1..3) {
                let change = self.tenants[n].change(&mut self.rng, &places);
                places.extend(change.as_ref().map(|change| change.place));
                changes.extend(change);
            }
            for change in &changes {
                *self.counts.entry(change.what).or_default() += 1;
            }
            changes
        })
    }

    async fn step(&mut self) {
        let (n, who) = (self.rng.usize(..2), self.rng.usize(..USERS));
        let group = self.rng.usize(..GROUPS);
        let kind = self.rng.u8(..10);
        let is_failing = self.rng.u8(..4) == 0;
        if is_failing {
            self.faults.at_random(10, self.rng.u64(..));
            *self.counts.entry("failing").or_default() += 1;
        }
        match kind {
            0..4 => {
                let changes = self.changes();
                // Writes of both directories, with a login, a run or a change by hand at the same time.
                let is_removed = self.rng.bool();
                if kind == 2 && is_removed {
                    let id = self.tenants[n].groups[group].clone();
                    self.tenants[n].taken_away.insert((who, id));
                }
                let beside = async {
                    match kind {
                        0 => self.sign_in(n, who).await,
                        1 => self.take_up(n).await,
                        2 => self.by_hand(n, (who, group), is_removed).await,
                        _ => {}
                    }
                };
                join3(self.send(0, &changes[0]), self.send(1, &changes[1]), beside).await;
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
                if is_removed {
                    let id = self.tenants[n].groups[group].clone();
                    self.tenants[n].taken_away.insert((who, id));
                }
                self.by_hand(n, (who, group), is_removed).await;
            }
            7 => self.replace_group(n, group, who).await,
            8 => self.pause(n, who).await,
            _ => self.replace_user(n, who).await,
        }
        self.faults.stop();
    }

    /// Deletes a group and creates it again, beside a login and a run.
    async fn replace_group(&mut self, n: usize, group: usize, who: usize) {
        *self.counts.entry("group").or_default() += 1;
        let tenant = &self.tenants[n];
        let path = format!("/Groups/{}", tenant.groups[group]);
        let deleted = until_done(&tenant.provider, &self.faults, ("DELETE", &path, None));
        join3(deleted, self.sign_in(n, who), self.take_up(n)).await;
        self.faults.stop();
        let made = tenant.provider.post("/Groups", tenant.group(group)).await;
        let id = made.expect(201).id();
        let tenant = &mut self.tenants[n];
        tenant.known[who] = true;
        let before = std::mem::replace(&mut tenant.groups[group], id);
        tenant.deleted.push(before);
    }

    /// Pauses a directory while it is changed, and lets it continue while someone signs in.
    async fn pause(&mut self, n: usize, who: usize) {
        *self.counts.entry("pause").or_default() += 1;
        let [first, second] = self.changes();
        let (mine, other) = if n == 0 {
            (first, second)
        } else {
            (second, first)
        };
        let tenant = &self.tenants[n];
        let root = self.world.tenant_admin_of(tenant.name);
        let status = |status: &str| json!({"status": status});
        let (paused, active) = (status("paused"), status("active"));
        let in_time = async {
            if let Some(change) = mine.first().filter(|it| it.method != "SETTINGS") {
                let call = tenant
                    .provider
                    .call(change.method, &change.path, Some(&change.body));
                let status = call.await.status;
                assert!(status < 300 || status == 403 || status >= 500, "{status}");
            }
        };
        join(in_time, set(&root, &self.faults, &tenant.path, &paused)).await;
        join(self.sign_in(n, who), self.take_up(n)).await;
        self.faults.stop();
        let continued = set(&root, &self.faults, &tenant.path, &active);
        join(continued, self.sign_in(n, who)).await;
        // A warm function does nothing for a paused directory for a minute.
        self.ahead.fetch_add(2, Ordering::Relaxed);
        // What was refused is sent again.
        join(self.send(n, &mine), self.send(1 - n, &other)).await;
        self.tenants[n].known[who] = true;
    }

    /// Deletes a directory user and creates it again, beside a login of the same person.
    async fn replace_user(&mut self, n: usize, who: usize) {
        let tenant = &self.tenants[n];
        if !tenant.says.active[who] {
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
        for group in &mut tenant.says.members {
            group[who] = false;
        }
    }

    /// Takes up what is left.
    async fn settle(&self) {
        // A run that a failing table has ended may keep its lease for three minutes.
        self.ahead.fetch_add(4, Ordering::Relaxed);
        join(self.take_up(0), self.take_up(1)).await;
    }

    /// Each user who is known signs in, which links all of them, and gives back what was taken away by hand.
    async fn sign_all_in(&mut self) {
        for n in 0..2 {
            for who in (0..USERS).filter(|who| self.tenants[n].known[*who]) {
                self.sign_in(n, who).await;
            }
            self.tenants[n].taken_away.clear();
        }
    }

    async fn check(&self, seed: u64, is_linked: impl Fn(&str) -> bool) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            let root = self.world.tenant_admin_of(tenant.name);
            let says = &tenant.says;
            for (group, id) in tenant.groups.iter().enumerate() {
                let found: BTreeSet<_> = tenant.provider.members(id).await.into_iter().collect();
                let said = tenant.group(group);
                let said = said["members"].as_array().unwrap().iter();
                let said: BTreeSet<_> = said
                    .map(|it| it["value"].as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(found, said, "{seed}: {} {group}", tenant.name);
            }
            let followers = (0..USERS).filter(|who| tenant.known[*who]);
            for who in followers.filter(|who| is_linked(&tenant.users[*who])) {
                let shown = root.get(&format!("/users/{}", user(who))).await;
                let is_disabled = shown.expect(200).body["status"] == "disabled";
                let name = format!("{seed}: {} {}", tenant.name, user(who));
                assert_eq!(is_disabled, !says.active[who], "{name}");
                if is_disabled {
                    // Their memberships are as they were when the account ended.
                    continue;
                }
                let deleted = tenant.deleted.iter().map(|id| (id, false));
                let groups = tenant.groups.iter().enumerate();
                let groups = groups.map(|(group, id)| (id, says.gives(group, who)));
                for (id, is_given) in groups.chain(deleted) {
                    let member = format!("/organizations/{id}/members/{}", user(who));
                    let found = root.get(&member).await;
                    let is_member = found.status == 200;
                    let is_owner = is_member && found.body["role"] == "owner";
                    let is_taken = tenant.taken_away.contains(&(who, id.clone()));
                    assert!(
                        is_member == is_given || is_owner || is_taken,
                        "{name} in {n}.{id}: given {is_given}, {found:?}"
                    );
                }
            }
            // No other directory's users have come here.
            let all = root.all("/users?limit=100").await;
            assert!(all.len() <= USERS + 1, "{seed}: {all:?}");
        }
        let items = self.world.items().await;
        let is_left = |item: &&serde_json::Map<String, Value>| {
            item.contains_key("unapplied")
                || item.contains_key("pending")
                || item["pk"].as_str().unwrap().ends_with("#PENDING")
                || item["sk"] == "CHANGE"
        };
        let left: Vec<_> = items.iter().filter(is_left).collect();
        assert!(left.is_empty(), "{seed}: {left:?}");
        check_members(&items);
        invariants::check(&items);
    }

    /// The ids of the directory users who are linked.
    async fn linked(&self) -> BTreeSet<String> {
        let items = self.world.items().await.into_iter();
        let linked = items.filter(|item| {
            let is_of_directory = item["pk"].as_str().unwrap().contains("#DIRECTORY#");
            is_of_directory && item.contains_key("user_id")
        });
        linked
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The number of members of each group is right, and each membership is listed under both.
fn check_members(items: &[serde_json::Map<String, Value>]) {
    let text = |item: &serde_json::Map<String, Value>, name: &str| {
        item[name].as_str().unwrap_or_default().to_owned()
    };
    let (mut counted, mut found, mut listed) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let (mut members, mut all) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        if item.contains_key("member_count")
            && item.contains_key("name_key")
            && pk.contains("#DIRECTORY#")
        {
            let id = text(item, "id");
            counted.insert(id.clone(), item["member_count"].as_u64().unwrap());
            all.insert(id);
        } else if let Some(member) = sk.strip_prefix("MEMBER#")
            && let Some((_, group)) = pk.rsplit_once("#GROUP#")
        {
            *found.entry(group.to_owned()).or_insert(0) += 1;
            members.insert((group.to_owned(), member.to_owned()));
        } else if let Some(group) = sk.strip_prefix("GROUP#")
            && let Some((_, member)) = pk.rsplit_once("#MEMBER#")
        {
            listed.insert((group.to_owned(), member.to_owned()));
        }
    }
    counted.retain(|_, count| *count > 0);
    assert_eq!(counted, found);
    assert_eq!(members, listed);
    assert!(found.keys().all(|group| all.contains(group)));
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
