//! Checks the exhaustively searched state machine against the code: random walks through it, each
//! step also run by the functions, with the same outcome and table.

mod table;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use fastrand::Rng;
use muster::domain::{Clock, Role, Status, Timestamp};
use muster_local::Options;
use muster_model::decisions::{Decision, decide};
use muster_model::requests::{Request, RequestOutcome};
use muster_model::scope::Scope;
use muster_model::search::Step;
use muster_model::state::{Client, State};
use muster_model::table::Id;
use support::history::invitations::{InvitationRequest, Links, Proof};
use support::history::names::USERS;
use support::history::requests::{actor_of, send};
use support::history::seeds;
use support::history::spec::{Operation, What, added_again, code};
use support::{ACME, Reply, Schedule, World};
use uuid::Uuid;

const STEPS: usize = 60;
/// The clock advances by it on each read, so that an invitation can always be sent again.
const MINUTE: i64 = 60_000;
const TRANSACTION: &str = "TransactWriteItems";

#[test]
fn the_functions_follow_the_state_machine() {
    let mut seen = BTreeSet::new();
    for seed in seeds(20) {
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
            RequestOutcome::Ended,
            RequestOutcome::UserDisabled,
        ] {
            let is_seen = seen.iter().any(|(_, of)| *of == outcome);
            assert!(is_seen, "{outcome:?} in {seen:?}");
        }
        for name in [
            "create invitation",
            "resend invitation",
            "revoke invitation",
            "accept invitation by email",
            "decline invitation by email",
            "disable user",
            "enable user",
        ] {
            let applied = (name, RequestOutcome::Applied);
            assert!(seen.contains(&applied), "{applied:?} in {seen:?}");
        }
    }
}

/// The outcomes, each with the name of its request.
#[expect(clippy::print_stdout, reason = "shown with a test that fails")]
async fn walk(seed: u64) -> Vec<(&'static str, RequestOutcome)> {
    let mut random = Rng::with_seed(seed);
    let options = Options {
        clock: clock(seed),
        // As in the model, where every user has the token.
        variables: [("INVITATION_EMAIL_MUST_MATCH".to_owned(), "false".to_owned())].into(),
        ..Options::default()
    };
    let (world, schedule) = Schedule::world(options).await;
    world.register(&USERS[..3]).await;
    schedule.close();
    let scope = Scope {
        organizations: 2,
        at_once: 3,
        roles: vec![Role::Owner, Role::Admin, Role::Member],
        statuses: vec![Status::Active, Status::Suspended, Status::Invited],
        invitations: 3,
        disables: true,
        keeps_doomed: true,
        ..Scope::default()
    };
    let mut walker = Walker {
        world,
        schedule,
        scope,
        state: State::default(),
        ids: [None, None],
        links: Links::default(),
        requests: Default::default(),
        asked: 0,
        outcomes: Vec::new(),
    };
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        walker.scope.steps(&walker.state, &mut steps);
        if random.u8(..4) > 0 {
            // Seldom, so that most users can do something.
            steps.retain(|step| !matches!(step, Step::Ask(_, Request::Disable { .. })));
        }
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
    links: Links,
    /// The number of each user's request.
    requests: [Option<Asked>; 3],
    /// The number of requests.
    asked: u8,
    outcomes: Vec<(&'static str, RequestOutcome)>,
}

/// A request under way.
#[derive(Clone, Copy)]
struct Asked {
    /// Its number in the schedule.
    number: usize,
    what: What,
}

/// A clock that advances by a minute on each read, and reproducible ids.
fn clock(seed: u64) -> Clock {
    let looks = AtomicI64::new(0);
    Clock::from_fn(move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        let time = Timestamp::from_millisecond(1_795_219_200_000 + look * MINUTE).unwrap();
        let id = u128::from(seed) << 64 | u128::from(look.unsigned_abs());
        (time, Uuid::from_u128(id))
    })
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
        self.asked += 1;
        let what = match self.of_invitation(caller, request) {
            Some(request) => What::Invitation(request),
            None => What::Write(request, None),
        };
        let operation = Operation {
            caller,
            what,
            key: None,
        };
        let asked = request;
        let request = send(
            actor_of(&self.world, ACME, operation),
            operation,
            &self.ids,
            &self.links,
        );
        let number = self.schedule.start(request).await;
        self.requests[user] = Some(Asked { number, what });
        let mut answered = self.read(number).await;
        if matches!(asked, Request::AddAgain { .. }) {
            // The function tries to put the membership first, and gets the existing one.
            let place = self.place(number);
            self.schedule.release(place, None).await;
            answered = self.read(number).await;
        }
        assert_eq!(answered, None, "the model has a transaction in flight");
    }

    /// The request about an invitation by email. Its own user answers it by its id, the others with its token.
    fn of_invitation(&self, caller: Id, request: Request) -> Option<InvitationRequest> {
        let last = |organization: Id, user: Id| {
            let organization = self.ids[organization].as_deref().unwrap();
            self.links.last(organization, user).unwrap()
        };
        let answer = |organization: Id, user: Id| {
            let link = last(organization, user);
            let newest = *link.tokens.keys().next_back().unwrap();
            let proof = if caller == user {
                Proof::Address
            } else {
                Proof::Token(newest)
            };
            (link.number, proof)
        };
        Some(match request {
            Request::Invite {
                organization,
                user,
                role,
            } => InvitationRequest::Create {
                organization,
                user,
                role,
                number: self.asked,
            },
            Request::Resend { organization, user } => {
                InvitationRequest::Resend(last(organization, user).number)
            }
            Request::Revoke { organization, user } => {
                InvitationRequest::Revoke(last(organization, user).number)
            }
            Request::AcceptByEmail { organization, user } => {
                let (number, proof) = answer(organization, user);
                InvitationRequest::Accept(number, proof)
            }
            Request::DeclineByEmail { organization, user } => {
                let (number, proof) = answer(organization, user);
                InvitationRequest::Decline(number, proof)
            }
            _ => return None,
        })
    }

    /// Whether a request names an invitation that has a successor, or a token that has one.
    fn is_replaced(&self, caller: Id, request: Request, what: What) -> bool {
        let is_answer_or_change = !matches!(request, Request::Invite { .. });
        let now = self.of_invitation(caller, request).map(What::Invitation);
        is_answer_or_change && now.is_some_and(|now| now != what)
    }

    /// A transaction arrives, in the model and in the table.
    async fn arrive(&mut self, step: Step) {
        let Step::Arrive(user) = step else {
            panic!("not a step of this scope: {step:?}");
        };
        let Client::Sent { request, .. } = self.state.clients[user] else {
            panic!("nothing in flight: {:?}", self.state);
        };
        let asked = self.requests[user].unwrap();
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
                _ if self.is_replaced(user, request, asked.what) => {
                    outcome = RequestOutcome::Ended;
                }
                Decision::Answer(answered) => outcome = answered,
                Decision::Write(_) => {
                    let again = Step::Ask(user, request);
                    self.state = self.scope.after(&self.state, again).unwrap();
                }
            }
        }
        let place = self.place(asked.number);
        self.schedule.release(place, None).await;
        let reply = self.read(asked.number).await;
        let name = request.into();
        self.outcomes.push((name, outcome));
        if let (What::Invitation(request), Some(reply)) = (asked.what, &reply) {
            self.links.learn(request, reply);
        }
        match (outcome, &reply) {
            (RequestOutcome::Again, None) => {}
            (RequestOutcome::Applied | RequestOutcome::Nothing, Some(reply)) => {
                assert!(reply.status < 300, "{outcome:?}: {reply:?}");
                if reply.body["name"].is_string()
                    && let Some(organization) = request.organization()
                {
                    let id = reply.body["id"].as_str().map(str::to_owned);
                    self.ids[organization] = id;
                }
            }
            // The histories check which of them.
            (RequestOutcome::Ended, Some(reply)) => {
                let codes = ["not-found", "invitation-not-valid", "forbidden"];
                let code = reply.body["code"].as_str();
                assert!(code.is_none_or(|code| codes.contains(&code)), "{reply:?}");
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
}
