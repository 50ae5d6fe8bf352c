//! Random histories of a verified domain: users sign in, are removed and leave, owners change the domain, its record
//! comes and goes, weeks pass, and DynamoDB fails.
//!
//! Every write of a login and of a weekly check is checked. At the end every user signs in without faults, and is a
//! member exactly if the domain adds them; then the record is lost permanently.

pub mod checker;
mod steps;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fastrand::Rng;
use muster::domain::Timestamp;
use serde_json::{Value, json};

use checker::{Checker, Sender, WEEK, item};
use steps::set_status;

use super::{Checked, Counts, START, clock_ahead, fault_name};
use crate::faults::passing;
use crate::history::logins::checker::Table;
use crate::{Actor, Fault, Reply, Schedule, World, invariants};

/// The domain that both organizations want.
pub const ACME_DOMAIN: &str = "acme.example";
const USERS: [&str; 6] = ["bob", "cyd", "dan", "eve", "fay", "gus"];
const OWNERS: [&str; 2] = ["ada", "ben"];
/// Requests and changes of the record in a history.
const EVENTS: usize = 44;
/// Concurrent requests.
const AT_ONCE: usize = 4;
/// Weeks that pass: a deleted organization is not purged meanwhile.
const WEEKS: usize = 4;
const MINUTE: i64 = 60_000;

/// The address of a user in the domain.
pub fn address(user: &str) -> String {
    format!("{user}@{ACME_DOMAIN}")
}

/// Runs a history on a thread of its own.
pub fn of_seed(seed: u64) -> Checked {
    super::alone(seed, history(seed))
}

async fn history(seed: u64) -> Checked {
    let mut random = Rng::with_seed(seed);
    let ahead = Arc::new(AtomicI64::new(0));
    let options = muster_local::Options {
        clock: clock_ahead(Arc::clone(&ahead)),
        ..muster_local::Options::default()
    };
    let (world, schedule) = Schedule::world(options).await;
    let mut organizations = Vec::new();
    for (owner, name) in OWNERS.iter().zip(["Acme", "Other"]) {
        organizations.push(world.organization(&world.user(owner), name).await);
    }
    let mut runner = Runner {
        checker: Checker::default(),
        organizations,
        world,
        schedule,
        ahead,
        records: BTreeSet::new(),
        under_way: HashMap::new(),
        percent: *random.choice(&[0, 10, 30]).unwrap(),
        presence: *random.choice(&[1, 3]).unwrap(),
        weeks: 0,
        steps: Vec::new(),
        counts: Counts::default(),
    };
    // Some are members before the domain is there.
    for user in USERS {
        if random.u8(..3) == 0 {
            let id = &runner.organizations[0];
            runner.world.member(id, user, "admin", "active").await;
        }
    }
    runner.schedule.close();
    let (owner, id) = (runner.owner(0), runner.organizations[0].clone());
    let gone = format!(
        "/organizations/{id}/members/{}",
        random.choice(&USERS).unwrap()
    );
    runner
        .alone(Box::pin(async move { owner.delete(&gone).await }))
        .await;
    runner.prove(0).await;
    for _ in 0..EVENTS {
        runner.event(&mut random).await;
        // Continues some running requests before a new action.
        for _ in 0..random.usize(..10) {
            runner.let_go(&mut random).await;
        }
    }
    while !runner.under_way.is_empty() {
        runner.let_go(&mut random).await;
    }
    runner.become_quiet().await;
    runner.lose_the_record().await;
    let items = runner.world.items().await;
    runner.checker.wrong.extend(invariants::violations(&items));
    let made = [
        ("joined by the domain", runner.checker.joined),
        ("verifications ended", runner.checker.ended),
    ];
    for (name, count) in made {
        *runner.counts.outcomes.entry(name.to_owned()).or_default() += count;
    }
    Checked {
        seed,
        test: "domains::histories::random",
        wrong: runner.checker.wrong,
        steps: runner.steps,
        counts: runner.counts,
    }
}

/// A running request.
struct Running {
    sender: Sender,
    /// The number of calls until the function dies; `None`: it does not.
    lives: Option<usize>,
}

struct Runner {
    checker: Checker,
    /// The ids of the organizations, in the order of their owners.
    organizations: Vec<String>,
    world: World,
    schedule: Schedule,
    /// The offset of the clock in milliseconds.
    ahead: Arc<AtomicI64>,
    /// The values of the TXT record.
    records: BTreeSet<String>,
    /// By number in the schedule.
    under_way: HashMap<usize, Running>,
    /// The percentage of failing calls.
    percent: u8,
    /// The quarters in which the record of the first organization is published.
    presence: u8,
    weeks: usize,
    steps: Vec<String>,
    counts: Counts,
}

type Request = std::pin::Pin<Box<dyn Future<Output = Reply> + Send>>;

impl Runner {
    fn domain_path(&self, n: usize) -> String {
        format!("{}/{ACME_DOMAIN}", self.domains_path(n))
    }

    fn domains_path(&self, n: usize) -> String {
        format!("/organizations/{}/domains", self.organizations[n])
    }

    fn owner(&self, n: usize) -> Actor {
        self.world.user(OWNERS[n])
    }

    /// Adds the domain to an organization, publishes its record, verifies it and turns auto-join on.
    async fn prove(&mut self, n: usize) {
        let (owner, path) = (self.owner(n), self.domains_path(n));
        let body = json!({"domain": ACME_DOMAIN});
        self.alone(Box::pin(async move { owner.post(&path, body).await }))
            .await;
        self.publish(&[true, true]).await;
        self.pass(MINUTE);
        let (owner, path) = (self.owner(n), format!("{}/verify", self.domain_path(n)));
        self.alone(Box::pin(async move { owner.post_empty(&path).await }))
            .await;
        let (owner, path) = (self.owner(n), self.domain_path(n));
        let body = json!({"auto_join": true});
        self.alone(Box::pin(async move { owner.patch(&path, body).await }))
            .await;
    }

    async fn event(&mut self, random: &mut Rng) {
        let user = *random.choice(&USERS).unwrap();
        match random.u8(..24) {
            0..=2 => {
                let published = [random.u8(..4) < self.presence, random.bool()];
                self.publish(&published).await;
            }
            _ if self.under_way.len() >= AT_ONCE => {}
            3 | 4 if self.weeks < WEEKS => {
                self.weeks += 1;
                self.step("a week passes", String::new());
                self.pass(WEEK);
                self.check(random).await;
            }
            3..=5 => self.check(random).await,
            6..=12 => self.sign_in(random, user).await,
            13..=16 => self.change_domain(random).await,
            _ => self.by_hand(random, user).await,
        }
    }

    fn pass(&self, milliseconds: i64) {
        self.ahead.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// The current time in the format of the table.
    fn now(&self) -> String {
        let look = self.ahead.load(Ordering::Relaxed);
        let now = Timestamp::from_millisecond(START + look).unwrap();
        now.to_string()
    }

    async fn begin(&mut self, request: Request, sender: Sender, lives: Option<usize>) -> usize {
        let number = self.schedule.start(request).await;
        self.under_way.insert(number, Running { sender, lives });
        self.end_those_answered();
        number
    }

    /// Releases a call.
    async fn let_go(&mut self, random: &mut Rng) {
        self.end_those_answered();
        let waiting = self.schedule.held().len();
        if waiting == 0 {
            return;
        }
        let place = random.usize(..waiting);
        let call = self.schedule.held().nth(place).unwrap().clone();
        let running = self.under_way.get_mut(&call.request).unwrap();
        let fault = match &mut running.lives {
            Some(0) => Some(Fault::CutBefore),
            lives => {
                *lives = lives.map(|left| left - 1);
                let last = *lives == Some(0);
                let chance =
                    (random.u8(..100) < self.percent).then(|| passing(&call.operation, random));
                chance.or_else(|| last.then_some(Fault::CutAfter))
            }
        };
        self.release(place, fault).await;
        self.end_those_answered();
    }

    async fn release(&mut self, place: usize, fault: Option<Fault>) {
        let call = self.schedule.held().nth(place).unwrap().clone();
        self.counts.calls += 1;
        let others = self.schedule.held().filter(|it| it.request != call.request);
        self.counts.overtaking += u64::from(others.count() > 0);
        let into = fault.map_or("", fault_name);
        if fault.is_some() {
            *self.counts.faults.entry(into).or_default() += 1;
        }
        let step = format!("{} of {} {into}", call.operation, call.request);
        self.steps.push(step.clone());
        if muster::store::requests::is_read_operation(&call.operation) {
            self.schedule.release(place, fault).await;
            return;
        }
        let sender = self.under_way[&call.request].sender.clone();
        let (before, now) = (self.table().await, self.now());
        self.schedule.release(place, fault).await;
        let after = self.table().await;
        let about = (step.as_str(), now.as_str());
        self.checker.check_write(&sender, about, &before, &after);
    }

    fn end_those_answered(&mut self) {
        while let Some((number, reply)) = self.schedule.answer() {
            let ended = self.under_way.remove(&number).expect("a request");
            let code = reply.body["code"].as_str().unwrap_or_default();
            let outcome = match ended.sender {
                Sender::Login(..) => "login".to_owned(),
                Sender::Recheck(_) => "checks".to_owned(),
                _ => format!("{} {code}", reply.status).trim_end().to_owned(),
            };
            self.steps.push(format!("{number}: {outcome}"));
            *self.counts.outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Completes a request by hand while no other one runs.
    async fn alone(&mut self, request: Request) {
        self.complete(request, Sender::ByHand).await;
    }

    async fn complete(&mut self, request: Request, sender: Sender) {
        let number = self.begin(request, sender, None).await;
        while self.under_way.contains_key(&number) {
            self.release(0, None).await;
            self.end_those_answered();
        }
    }

    /// Stops the faults, and restores and enables everything. Every user signs in.
    async fn become_quiet(&mut self) {
        for n in 0..self.organizations.len() {
            let root = self.world.tenant_admin();
            let path = format!("/organizations/{}/restore", self.organizations[n]);
            self.alone(Box::pin(async move { root.post_empty(&path).await }))
                .await;
        }
        for user in USERS {
            let enabled = set_status(self.world.tenant_admin(), user, "enabled");
            self.alone(enabled).await;
            self.sign_in_alone(user).await;
        }
    }

    /// A login without faults adds the user exactly if the domain does.
    async fn sign_in_alone(&mut self, user: &'static str) {
        let email = address(user);
        let login = self.login(user, &email, true);
        let (before, now) = (self.table().await, self.now());
        self.step("last login", user.to_owned());
        self.complete(login, Sender::Login(user, email, true)).await;
        let after = self.table().await;
        self.checker.check_end(user, &now, &before, &after);
    }

    /// Three weeks without the record end auto-join, and no membership.
    async fn lose_the_record(&mut self) {
        for n in 0..self.organizations.len() {
            self.prove(n).await;
        }
        let claim = |table: &Table| {
            let claim = item(table, &format!("VERIFIED#{ACME_DOMAIN}"), "VERIFIED");
            claim.map(|claim| claim["auto_join"] == true)
        };
        let proven = self.table().await;
        if claim(&proven) != Some(true) {
            self.wrong("the domain adds no users after its record was published");
        }
        self.publish(&[false, false]).await;
        for _ in 0..3 {
            self.pass(WEEK);
            let timer = self.world.bearer("", None);
            let path = "/2015-03-31/functions/recheck-domains/invocations";
            let request = Box::pin(async move { timer.post(path, json!({})).await });
            let sender = Sender::Recheck(vec![self.records.clone()]);
            self.step("last check", String::new());
            self.complete(request, sender).await;
        }
        let lost = self.table().await;
        if claim(&lost).is_some() {
            self.wrong("three weeks without the record do not end auto-join");
        }
        let memberships = |table: &Table| -> Vec<Value> {
            let all = table.iter().filter(|((_, sk), _)| sk.starts_with("ORG#"));
            all.map(|(_, item)| Value::Object(item.clone())).collect()
        };
        if memberships(&proven) != memberships(&lost) {
            self.wrong("the end of auto-join changes memberships");
        }
        self.sign_in_alone("zoe").await;
    }

    fn wrong(&mut self, what: &str) {
        self.checker.wrong.push(what.to_owned());
    }

    fn step(&mut self, what: &'static str, about: String) {
        *self.counts.operations.entry(what).or_default() += 1;
        self.steps.push(format!("{what}: {about}"));
    }

    async fn table(&self) -> Table {
        self.world.table().await
    }
}
