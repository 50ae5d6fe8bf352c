//! Checks the exhaustively searched state machine against the code: random walks through it, each
//! step also run by the functions, with the same outcome and table.

use std::collections::BTreeSet;

use fastrand::Rng;
use muster::domain::{Role, Status};
use muster_local::Options;
use muster_model::decisions::{Decision, decide};
use muster_model::requests::{Request, RequestOutcome};
use muster_model::search::{Scope, Step};
use muster_model::state::{Client, State};
use muster_model::table::{Membership, Organization, Table};
use serde_json::{Map, Value, json};
use stateright::Model;
use support::history::invitations::Links;
use support::history::requests::{NAMES, USERS, actor, send};
use support::history::seeds;
use support::history::spec::{Operation, What, added_again, code};
use support::{ACME, Reply, Schedule, World};

const STEPS: usize = 60;
const TRANSACTION: &str = "TransactWriteItems";

#[test]
fn the_functions_follow_the_state_machine() {
    let mut seen = BTreeSet::new();
    for seed in seeds(12) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        seen.extend(runtime.unwrap().block_on(walk(seed)));
    }
    println!("{seen:?}");
    if std::env::var("MUSTER_SEED").is_err() {
        for outcome in [
            RequestOutcome::Applied,
            RequestOutcome::Again,
            RequestOutcome::LastOwner,
        ] {
            assert!(seen.contains(&outcome), "{outcome:?} in {seen:?}");
        }
    }
}

/// The outcomes.
#[expect(clippy::print_stdout, reason = "shown with a test that fails")]
async fn walk(seed: u64) -> Vec<RequestOutcome> {
    let mut random = Rng::with_seed(seed);
    let (world, schedule) = Schedule::world(Options::default()).await;
    world.register(&USERS[..3]).await;
    schedule.close();
    let scope = Scope {
        organizations: 2,
        at_once: 3,
        roles: vec![Role::Owner, Role::Admin, Role::Member],
        statuses: vec![Status::Active, Status::Suspended, Status::Invited],
        keeps_doomed: true,
        ..Scope::default()
    };
    let mut walker = Walker {
        world,
        schedule,
        scope,
        state: State::default(),
        ids: [None, None],
        requests: [None; 3],
        outcomes: Vec::new(),
    };
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        walker.scope.actions(&walker.state, &mut steps);
        let arrivals: Vec<_> = steps
            .iter()
            .filter(|step| matches!(step, Step::Arrive(_)))
            .copied()
            .collect();
        let chosen = random.choice(&arrivals).filter(|_| random.u8(..3) == 0);
        let step = chosen.or_else(|| random.choice(&steps)).copied();
        steps.clear();
        let Some(step) = step else {
            break;
        };
        println!("MUSTER_SEED={seed} {step:?}");
        match step {
            Step::Ask(user, _) => walker.ask(user, step).await,
            _ => walker.arrive(step).await,
        }
    }
    walker.outcomes
}

struct Walker {
    world: World,
    schedule: Schedule,
    scope: Scope,
    state: State,
    ids: [Option<String>; 2],
    /// The number of each user's request.
    requests: [Option<usize>; 3],
    outcomes: Vec<RequestOutcome>,
}

impl Walker {
    /// A user sends a request: the function reads, decides, and sends its transaction.
    async fn ask(&mut self, user: usize, step: Step) {
        let Step::Ask(caller, request) = step else {
            return;
        };
        self.state = self
            .scope
            .after(&self.state, step)
            .expect("a step of the model");
        let operation = Operation {
            caller,
            what: What::Write(request, None),
            key: None,
        };
        let asked = request;
        let request = send(
            actor(&self.world, ACME, caller),
            operation,
            &self.ids,
            &Links::default(),
        );
        let number = self.schedule.start(request).await;
        self.requests[user] = Some(number);
        let mut answered = self.read(number).await;
        if matches!(asked, Request::AddAgain { .. }) {
            // The function tries to put the membership first, and gets the existing one.
            let place = self.place(number);
            self.schedule.release(place, None).await;
            answered = self.read(number).await;
        }
        assert_eq!(answered, None, "the model has a transaction in flight");
    }

    /// A transaction arrives, in the model and in the table.
    async fn arrive(&mut self, step: Step) {
        let Step::Arrive(user) = step else {
            panic!("no such step in this scope: {step:?}");
        };
        let Client::Sent { request, .. } = self.state.clients[user] else {
            panic!("nothing in flight: {:?}", self.state);
        };
        let (mut outcome, after) = self.state.arrive(&self.scope, user, true).unwrap();
        self.state = after;
        if outcome == RequestOutcome::Again {
            // It reads and decides again, before anything else happens.
            let request = match request {
                Request::AddAgain {
                    organization,
                    user,
                    role,
                    status,
                } => Request::Add {
                    organization,
                    user,
                    role,
                    status,
                },
                other => added_again(other).unwrap_or(other),
            };
            match decide(&self.state.table, user, request) {
                Decision::Answer(answered) => outcome = answered,
                Decision::Write(_) => {
                    let again = Step::Ask(user, request);
                    self.state = self.scope.after(&self.state, again).unwrap();
                }
            }
        }
        let number = self.requests[user].unwrap();
        let place = self.place(number);
        self.schedule.release(place, None).await;
        let reply = self.read(number).await;
        self.outcomes.push(outcome);
        match (outcome, &reply) {
            (RequestOutcome::Again, None) => {}
            (RequestOutcome::Applied | RequestOutcome::Nothing, Some(reply)) => {
                assert!(reply.status < 300, "{outcome:?}: {reply:?}");
                if reply.body["name"].is_string() {
                    let id = reply.body["id"].as_str().map(str::to_owned);
                    self.ids[request.organization()] = id;
                }
            }
            (refused, Some(reply)) => assert_eq!(reply.body["code"], code(refused), "{reply:?}"),
            (outcome, None) => panic!("{outcome:?}, but it has no response"),
        }
        assert_eq!(self.table().await, self.state.table);
    }

    /// Releases reads until the request has a transaction in flight, or a response.
    async fn read(&mut self, number: usize) -> Option<Reply> {
        loop {
            if let Some((answered, reply)) = self.schedule.answer() {
                assert_eq!(answered, number);
                return Some(reply);
            }
            let place = self.place(number);
            let is_transaction = self.schedule.held().nth(place).unwrap().operation == TRANSACTION;
            if is_transaction {
                return None;
            }
            self.schedule.release(place, None).await;
        }
    }

    /// The index of a request's first call among all waiting ones.
    fn place(&self, number: usize) -> usize {
        let mut calls = self.schedule.held();
        calls.position(|call| call.request == number).unwrap()
    }

    /// The table in the form of the model.
    async fn table(&self) -> Table {
        let mut table = Table::default();
        let number = |known: &[&str], text: &Value| known.iter().position(|it| text == it).unwrap();
        let place = |id: &Value| self.ids.iter().position(|it| json!(it) == *id).unwrap();
        for item in self.world.items().await {
            if item.contains_key("record") {
                continue;
            }
            let text = |name: &str| item[name].as_str().unwrap();
            match text("sk") {
                "ORG" => {
                    table.organizations[place(&item["id"])] = Some(Organization {
                        name: number(&NAMES, &item["name"]),
                        live: item["status"] == "active",
                        owner_count: count(&item),
                    });
                }
                "ORGNAME" => {
                    let named = NAMES
                        .iter()
                        .position(|name| text("pk").ends_with(&name.to_lowercase()));
                    table.names[named.unwrap()] = Some(place(&item["organization_id"]));
                }
                "USER" => {}
                _ => {
                    let user = number(&USERS, &item["user_id"]);
                    table.memberships[place(&item["organization_id"])][user] = Some(Membership {
                        role: text("role").parse().unwrap(),
                        status: text("status").parse().unwrap(),
                        source: muster::domain::Source::Manual,
                        inviter: inviter(&item),
                    });
                }
            }
        }
        table
    }
}

/// The user who granted the role of an open invitation.
fn inviter(item: &Map<String, Value>) -> Option<usize> {
    let inviter = item["status"] == "invited";
    let id = item.get("invited_by_user_id").filter(|_| inviter)?;
    USERS.iter().position(|user| *id == json!(user))
}

fn count(item: &Map<String, Value>) -> u8 {
    u8::try_from(item["owner_count"].as_u64().unwrap()).unwrap()
}
