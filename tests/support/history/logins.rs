//! Random histories of logins: the directory changes, users sign in concurrently, tenant admins
//! change things manually, Graph and DynamoDB fail, and logins are interrupted.
//!
//! Every write of a login is checked: it changes only the user who signs in, and no manual value.
//! At the end, after every user has signed in once more without faults, the table matches the
//! directory.

mod by_hand;
pub mod checker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fastrand::Rng;
use serde_json::{Map, Value};

use checker::{Checker, Table};

use super::{Checked, Counts, clock_ahead, fault_name};
use crate::faults::passing;
use crate::graph::{Graph, GraphEndpoint, GraphFault, login_event};
use crate::{Actor, Fault, Lines, Reply, Schedule, World, invariants};

const USERS: [&str; 3] = ["ada", "bob", "cyd"];
const GROUPS: [&str; 4] = ["g-0", "g-1", "g-2", "g-3"];
const NAMES: [&str; 3] = ["Name 0", "Name 1", "Name 2"];
/// Actions of a history: logins, changes of the directory, manual changes.
const EVENTS: usize = 36;
/// Concurrent logins.
const AT_ONCE: usize = 3;
/// The most logins until none changes anything.
const QUIET: usize = 12;
/// An app role that grants a role other than the default.
const LEAD: &str = "lead";
const TEN_MINUTES: i64 = 600_000;

/// Runs a history on a thread of its own.
pub fn of_seed(seed: u64) -> Checked {
    super::alone(seed, history(seed))
}

async fn history(seed: u64) -> Checked {
    let mut random = Rng::with_seed(seed);
    let graph = Graph::start().await;
    let on_leave = *random.choice(&["remove", "remove", "suspend"]).unwrap();
    let mut options = graph.options(&[
        ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true"),
        ("ENTRA_REFRESH_NAMES", "true"),
        ("ENTRA_ON_LEAVE", on_leave),
        ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#),
    ]);
    graph.app_role(LEAD);
    for user in USERS {
        graph.user(user);
    }
    let ahead = Arc::new(AtomicI64::new(0));
    options.clock = clock_ahead(Arc::clone(&ahead));
    let (options, lines) = Lines::collect(options);
    let (world, schedule) = Schedule::world(options).await;
    world.register(&USERS).await;
    let mut runner = Runner {
        checker: Checker::new(on_leave == "suspend"),
        root: world.tenant_admin(),
        world,
        graph,
        lines,
        ahead,
        schedule,
        logins: HashMap::new(),
        percent: *random.choice(&[0, 10, 30]).unwrap(),
        steps: vec![format!("ENTRA_ON_LEAVE={on_leave}")],
        counts: Counts::default(),
    };
    runner.schedule.close();
    for _ in 0..EVENTS {
        runner.event(&mut random).await;
        // Continues some running requests before a new action.
        for _ in 0..random.usize(..12) {
            runner.let_go(&mut random).await;
        }
    }
    while !runner.logins.is_empty() {
        runner.let_go(&mut random).await;
    }
    runner.become_quiet().await;
    Checked {
        seed,
        test: "sync::histories::random",
        wrong: runner.checker.wrong,
        steps: runner.steps,
        counts: runner.counts,
    }
}

/// A running login.
struct Login {
    user: &'static str,
    /// The number of calls until its interruption; `None`: no interruption.
    lives: Option<usize>,
}

struct Runner {
    checker: Checker,
    world: World,
    root: Actor,
    graph: Graph,
    lines: Lines,
    /// The offset of the clock in milliseconds.
    ahead: Arc<AtomicI64>,
    schedule: Schedule,
    /// By number in the schedule.
    logins: HashMap<usize, Login>,
    /// The percentage of failing calls of logins.
    percent: u8,
    steps: Vec<String>,
    counts: Counts,
}

impl Runner {
    async fn event(&mut self, random: &mut Rng) {
        let user = *random.choice(&USERS).unwrap();
        let group = *random.choice(&GROUPS).unwrap();
        match random.u8(..20) {
            0..=2 => {
                let name = *random.choice(&NAMES).unwrap();
                self.step("assign group", format!("{group} {name}"));
                self.graph.assign(group, name);
                match random.u8(..6) {
                    0 | 1 => {
                        self.step("give app role", group.to_owned());
                        self.graph.assign_with(group, LEAD);
                    }
                    2 | 3 => {
                        self.step("take app role", group.to_owned());
                        self.graph.take_role(group, LEAD);
                    }
                    _ => {}
                }
            }
            3 => {
                self.step("unassign group", group.to_owned());
                self.graph.unassign(group);
            }
            4..=6 => {
                self.step("join group", format!("{user} {group}"));
                self.graph.join(user, group);
            }
            7 | 8 => {
                self.step("leave group", format!("{user} {group}"));
                self.graph.leave(user, group);
            }
            9..=13 => self.by_hand(random, user, group).await,
            _ if self.logins.len() < AT_ONCE => self.sign_in(random, user).await,
            _ => {}
        }
    }

    /// Starts a login: it reads the current directory and waits for DynamoDB.
    async fn sign_in(&mut self, random: &mut Rng, user: &'static str) {
        if random.u8(..8) == 0 {
            let endpoint = *random
                .choice(&[GraphEndpoint::AssignedGroups, GraphEndpoint::UserGroups])
                .unwrap();
            let how = [
                GraphFault::Error(403, "Authorization_RequestDenied"),
                GraphFault::CutOff,
                GraphFault::Partial,
            ];
            let how = random.choice(how).unwrap();
            self.step("Graph fails", format!("{endpoint:?} {how:?}"));
            self.graph.fail(endpoint, None, how);
        }
        let lives = (random.u8(..4) == 0).then(|| random.usize(..16));
        self.step("login", format!("{user}, dies after {lives:?} calls"));
        self.begin(user, lives).await;
        self.graph.heal();
    }

    async fn begin(&mut self, user: &'static str, lives: Option<usize>) {
        // The cached directory has expired by then.
        self.ahead.fetch_add(TEN_MINUTES, Ordering::Relaxed);
        let signs_in = self.world.bearer("", None);
        let event = login_event(user);
        self.graph.calls();
        let request = async move {
            let path = "/2015-03-31/functions/post-login/invocations";
            let reply = signs_in.post(path, event.clone()).await;
            // The event returns unchanged, even after a failure.
            assert_eq!((reply.status, &reply.body), (200, &event));
            reply
        };
        let number = self.schedule.start(request).await;
        self.logins.insert(number, Login { user, lives });
        // The last one reads which directory the tenant follows, before anything is read of it.
        let held = self.schedule.held().enumerate();
        let queries: Vec<_> = held
            .filter(|(_, call)| call.request == number && call.operation == "Query")
            .map(|(place, _)| place)
            .collect();
        if let [_, place] = queries[..] {
            self.schedule.release(place, None).await;
        }
        // Until then it reads concurrent changes.
        while !self.graph.is_read() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        self.end_those_answered();
    }

    /// Releases a call of a login.
    async fn let_go(&mut self, random: &mut Rng) {
        self.end_those_answered();
        let waiting = self.schedule.held().len();
        if waiting == 0 {
            return;
        }
        let place = random.usize(..waiting);
        let call = self.schedule.held().nth(place).unwrap().clone();
        let login = self.logins.get_mut(&call.request).unwrap();
        let fault = match &mut login.lives {
            Some(0) => Some(Fault::CutBefore),
            lives => {
                *lives = lives.map(|left| left - 1);
                let last = *lives == Some(0);
                let chance =
                    (random.u8(..100) < self.percent).then(|| passing(&call.operation, random));
                chance.or_else(|| last.then_some(Fault::CutAfter))
            }
        };
        let user = login.user;
        self.release(place, user, fault).await;
        self.end_those_answered();
    }

    async fn release(&mut self, place: usize, user: &'static str, fault: Option<Fault>) {
        let call = self.schedule.held().nth(place).unwrap().clone();
        self.counts.calls += 1;
        let others = self.schedule.held().filter(|it| it.request != call.request);
        self.counts.overtaking += u64::from(others.count() > 0);
        let into = fault.map_or("", fault_name);
        if fault.is_some() {
            *self.counts.faults.entry(into).or_default() += 1;
        }
        let step = format!("{} of {} ({user}) {into}", call.operation, call.request);
        self.steps.push(step.clone());
        if muster::store::requests::is_read_operation(&call.operation) {
            self.schedule.release(place, fault).await;
            return;
        }
        let before = self.table().await;
        self.schedule.release(place, fault).await;
        let after = self.table().await;
        self.checker.check_write(user, &step, &before, &after);
    }

    fn end_those_answered(&mut self) {
        while let Some((number, _)) = self.schedule.answer() {
            let login = self.logins.remove(&number).expect("a login");
            let mut lines = self.lines.take();
            lines.retain(|line| line["message"] == "login sync");
            let outcome = lines.first().and_then(|line| line["outcome"].as_str());
            let outcome = outcome.unwrap_or("no line").to_owned();
            self.steps
                .push(format!("{number}: {outcome} ({})", login.user));
            *self.counts.outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Completes a request while the others wait.
    async fn alone(&mut self, request: impl Future<Output = Reply> + Send + 'static) -> Reply {
        let number = self.schedule.start(request).await;
        loop {
            // No other call was released, so no other response arrives.
            if let Some((answered, reply)) = self.schedule.answer() {
                assert_eq!(answered, number);
                return reply;
            }
            let place = self.schedule.held().position(|call| call.request == number);
            self.schedule.release(place.unwrap(), None).await;
        }
    }

    /// Stops the faults and restores every organization. Every user signs in until nothing changes:
    /// then the table matches the directory.
    async fn become_quiet(&mut self) {
        for group in GROUPS {
            let (root, path) = (self.root.clone(), format!("/organizations/{group}/restore"));
            self.alone(async move { root.post_empty(&path).await })
                .await;
        }
        for user in USERS {
            let mut rounds = 0;
            loop {
                let before = self.lasting().await;
                self.begin(user, None).await;
                while !self.logins.is_empty() {
                    self.release(0, user, None).await;
                    self.end_those_answered();
                }
                rounds += 1;
                if self.lasting().await == before {
                    break;
                }
                if rounds > QUIET {
                    self.checker
                        .wrong
                        .push(format!("logins of {user} never finish"));
                    break;
                }
            }
        }
        let items = self.world.items().await;
        self.checker.wrong.extend(invariants::violations(&items));
        let table = self.table().await;
        for group in GROUPS {
            if self.graph.is_assigned(group) {
                self.checker.check_team(&table, group);
            }
        }
        for user in USERS {
            for group in GROUPS {
                let holds = self.graph.holds(user, group);
                self.checker.check_end(&table, user, group, holds);
                let leads = self.graph.has_role(group, LEAD);
                let role = if leads { "manager" } else { "internal_user" };
                self.checker.check_role(&table, (user, group), holds, role);
            }
        }
    }

    fn step(&mut self, what: &'static str, about: String) {
        *self.counts.operations.entry(what).or_default() += 1;
        self.steps.push(format!("{what}: {about}"));
    }

    async fn table(&self) -> Table {
        self.world.table().await
    }

    /// All attributes except those that each login updates.
    async fn lasting(&self) -> Vec<Map<String, Value>> {
        let table = self.table().await.into_values();
        table
            .filter(|item| !matches!(item["sk"].as_str(), Some("USER" | "MADE")))
            .collect()
    }
}
