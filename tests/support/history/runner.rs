//! Runs one history step by step. The seed selects which request starts, and which call to DynamoDB
//! is released with which fault.

mod operations;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fastrand::Rng;
use muster::domain::{Clock, Role, Source, Status, Timestamp};
use muster_local::Options;
use muster_model::requests::Request;
use muster_model::table::{Id, Membership, ORGANIZATIONS, Organization, TENANT_ADMIN, Table};
use serde_json::json;
use uuid::Uuid;

use super::invitations::{InvitationRequest, Links};
use super::linear::Seen;
use super::names::{NAMES, USERS};
use super::requests::{actor, answer, name, send};
use super::response::HistoryResponse;
use super::spec::{Operation, Spec, What};
use super::{Counts, History, erasure, fault_name};
use crate::faults::passing;
use crate::{ACME, Actor, Fault, Reply, Schedule, World, invariants, member_counts};

/// Requests of a history, without repeated ones.
const REQUESTS: usize = 30;
/// A token of an invitation can be replaced after this time.
const MINUTE: i64 = 60_000;
/// Concurrent requests.
const CLIENTS: usize = 4;
const ROLES: [Role; 4] = [Role::Owner, Role::Owner, Role::Admin, Role::Member];

pub(super) async fn history(seed: u64) -> History {
    let mut random = Rng::with_seed(seed);
    let ahead = Arc::new(AtomicI64::new(0));
    let email_must_match = random.bool();
    let must_match = email_must_match.to_string();
    let options = Options {
        clock: clock(seed, Arc::clone(&ahead)),
        variables: [("INVITATION_EMAIL_MUST_MATCH".to_owned(), must_match)].into(),
        ..Options::default()
    };
    let (world, schedule) = Schedule::world(options).await;
    let mut runner = Runner::new(&world, schedule, &mut random).await;
    runner.ahead = ahead;
    runner.start.email_must_match = email_must_match;
    // Some histories without faults, some with many.
    let percent = *random.choice(&[0, 10, 10, 30]).unwrap();
    let is_forgetful = random.u8(..8) == 0;
    if is_forgetful {
        runner.schedule.forget_tokens();
    }
    runner.schedule.close();
    while runner.advance(&mut random, percent).await {}
    assert!(runner.schedule.is_exact(), "a call without a release");
    runner.schedule.open();
    let left = erasure::leftovers(&world).await;
    member_counts::pass_all(&world, &mut random).await;
    let items = world.items().await;
    let mut violations = invariants::violations(&items);
    violations.extend(member_counts::violations(&items));
    violations.extend(left);
    History {
        seed,
        start: runner.start,
        seen: runner.seen,
        is_forgetful,
        violations,
        steps: runner.steps,
        counts: runner.counts,
    }
}

/// A clock that advances a millisecond on each read, and by `ahead`, and reproducible ids.
fn clock(seed: u64, ahead: Arc<AtomicI64>) -> Clock {
    let looks = AtomicI64::new(0);
    Clock::from_fn(move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        let time = 1_795_219_200_000 + look + ahead.load(Ordering::Relaxed);
        let time = Timestamp::from_millisecond(time).unwrap();
        let id = u128::from(seed) << 64 | u128::from(look.unsigned_abs());
        (time, Uuid::from_u128(id))
    })
}

struct Runner<'a> {
    world: &'a World,
    schedule: Schedule,
    start: Spec,
    /// Organizations with known ids.
    ids: [Option<String>; ORGANIZATIONS],
    creation: Option<Operation>,
    links: Links,
    /// The offset of the clock in milliseconds.
    ahead: Arc<AtomicI64>,
    team: String,
    seen: Vec<Seen<Operation, HistoryResponse>>,
    under_way: Vec<UnderWay>,
    begun: usize,
    moment: usize,
    steps: Vec<String>,
    counts: Counts,
}

/// A request without a response.
struct UnderWay {
    /// Its number in the schedule.
    number: usize,
    /// Its index in the recorded operations.
    place: Option<usize>,
    /// The client no longer waits for the response.
    is_given_up: bool,
}

impl<'a> Runner<'a> {
    /// An organization with a team, and users who can join it.
    async fn new(world: &'a World, schedule: Schedule, random: &mut Rng) -> Self {
        let root = world.tenant_admin();
        for user in &USERS[1..3] {
            root.put(&format!("/users/{user}"), json!({}))
                .await
                .expect(201);
        }
        let ada = world.user(USERS[0]);
        let id = world.organization(&ada, NAMES[0]).await;
        let mut table = Table::default();
        table.organizations[0] = Some(Organization {
            name: 0,
            live: true,
            owner_count: 1,
        });
        table.names[0] = Some(0);
        table.memberships[0][0] = Some(manual(Role::Owner, Status::Active));
        for (user, called) in USERS.iter().enumerate().take(3).skip(1) {
            let role = *random.choice(&ROLES).unwrap();
            let status = if random.u8(..4) == 0 {
                Status::Invited
            } else {
                Status::Active
            };
            if random.u8(..4) > 0 {
                let body =
                    json!({"user_id": called, "role": role.as_str(), "status": status.as_str()});
                let members = format!("/organizations/{id}/members");
                root.post(&members, body).await.expect(201);
                // As the tenant admin.
                let made = manual(role, status).changed_by(TENANT_ADMIN, None);
                table.memberships[0][user] = Some(made);
                if let Some(organization) = &mut table.organizations[0] {
                    organization.owner_count += u8::from(made.is_active_owner());
                }
            }
        }
        let teams = format!("/organizations/{id}/teams");
        let team = ada.post(&teams, json!({"name": "Team"})).await.expect(201);
        let team = team.body["id"].as_str().unwrap().to_owned();
        erasure::prepare(world, &id, &team).await;
        Self {
            world,
            schedule,
            start: Spec::new(table),
            ids: [Some(id), None],
            creation: None,
            links: Links::default(),
            ahead: Arc::default(),
            team,
            seen: Vec::new(),
            under_way: Vec::new(),
            begun: 0,
            moment: 0,
            steps: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Runs one step, if any work is left.
    async fn advance(&mut self, random: &mut Rng, percent: u8) -> bool {
        while let Some((number, reply)) = self.schedule.answer() {
            self.end(number, &reply);
        }
        let waiting = self.schedule.held().len();
        let waited_for = self.under_way.iter().filter(|one| !one.is_given_up).count();
        let may_begin = self.begun < REQUESTS && waited_for < CLIENTS;
        if may_begin && (waiting == 0 || random.u8(..3) == 0) {
            self.begun += 1;
            if random.u8(..12) == 0 {
                self.begin_with_team(random).await;
            } else if random.u8(..20) == 0 {
                self.begin_with_erasure(random).await;
            } else {
                let operation = self.operation(random);
                self.begin(operation).await;
            }
        } else if waiting > 0 {
            if random.u8(..40) == 0 {
                let place = random.usize(..self.under_way.len());
                self.under_way[place].is_given_up = true;
            }
            self.let_go(random, percent).await;
        } else {
            return false;
        }
        true
    }

    async fn let_go(&mut self, random: &mut Rng, percent: u8) {
        let waiting = self.schedule.held().len();
        let place = random.usize(..waiting);
        let call = self.schedule.held().nth(place).unwrap().clone();
        let fault = (random.u8(..100) < percent).then(|| match random.u8(..8) {
            0 => Fault::Throttle,
            _ => passing(&call.operation, random),
        });
        let into = fault.map_or("", fault_name);
        self.steps
            .push(format!("{} of {} {into}", call.operation, call.request));
        self.counts.calls += 1;
        if let Some(fault) = fault {
            *self.counts.faults.entry(fault_name(fault)).or_default() += 1;
        }
        let others = self.schedule.held().filter(|it| it.request != call.request);
        self.counts.overtaking += u64::from(others.count() > 0);
        self.schedule.release(place, fault).await;
    }

    async fn begin(&mut self, operation: Operation) {
        self.moment += 1;
        let place = self.seen.len();
        self.seen.push(Seen {
            operation,
            answer: None,
            begun: self.moment,
            ended: usize::MAX,
        });
        let called = name(operation.what);
        *self.counts.operations.entry(called).or_default() += 1;
        if let What::Invitation(InvitationRequest::Resend(_)) = operation.what {
            self.ahead.fetch_add(MINUTE, Ordering::Relaxed);
        }
        let actor = self.actor(operation.caller);
        let request = send(actor, operation, &self.ids, &self.links);
        self.start(request, Some(place), format!("{operation:?}"))
            .await;
    }

    /// Adds a user to the team or removes one. The model has no teams; the invariants check them.
    async fn begin_with_team(&mut self, random: &mut Rng) {
        self.moment += 1;
        let actor = self.actor(random.usize(..=TENANT_ADMIN));
        let user = USERS[random.usize(..3)];
        let members = format!("/teams/{}/members", self.team);
        let is_added = random.u8(..3) > 0;
        let called = if is_added {
            "add team member"
        } else {
            "remove team member"
        };
        *self.counts.operations.entry(called).or_default() += 1;
        let step = format!("{called} {user} by {}", actor.id);
        let request = async move {
            if is_added {
                actor.post(&members, json!({"user_id": user})).await
            } else {
                actor.delete(&format!("{members}/{user}")).await
            }
        };
        self.start(request, None, step).await;
    }

    /// Erases a user, or registers or adds them again. The model does not know them.
    async fn begin_with_erasure(&mut self, random: &mut Rng) {
        self.moment += 1;
        let actor = self.actor(random.usize(..=TENANT_ADMIN));
        let step = format!("by {}", actor.id);
        let places = (self.ids[0].as_deref().unwrap(), self.team.as_str());
        let request = erasure::request(self.world, random, places, actor);
        *self.counts.operations.entry(request.name).or_default() += 1;
        let step = format!("{} {step}", request.name);
        self.start(request.future, None, step).await;
    }

    async fn start(
        &mut self,
        request: impl Future<Output = Reply> + Send + 'static,
        place: Option<usize>,
        step: String,
    ) {
        let number = self.schedule.start(request).await;
        self.steps.push(format!("{number}: {step}"));
        self.under_way.push(UnderWay {
            number,
            place,
            is_given_up: false,
        });
    }

    fn end(&mut self, number: usize, reply: &Reply) {
        self.moment += 1;
        let place = self.under_way.iter().position(|one| one.number == number);
        let ended = self.under_way.remove(place.unwrap());
        let code = reply.body["code"].as_str().unwrap_or_default();
        let outcome = format!("{} {code}", reply.status).trim_end().to_owned();
        self.steps.push(format!("{number}: {outcome}"));
        *self.counts.outcomes.entry(outcome).or_default() += 1;
        let response = answer(reply);
        let Some(place) = ended.place else {
            return;
        };
        let seen = &mut self.seen[place];
        seen.ended = self.moment;
        match (seen.operation.what, response) {
            (
                What::Write(Request::Create { organization, .. }, _),
                Some(HistoryResponse::Organization { .. }),
            ) => self.ids[organization] = reply.body["id"].as_str().map(str::to_owned),
            (What::Invitation(request), _) => self.links.learn(request, reply),
            _ => {}
        }
        if !ended.is_given_up {
            seen.answer = response;
        }
    }

    fn actor(&self, id: Id) -> Actor {
        actor(self.world, ACME, id)
    }
}

fn manual(role: Role, status: Status) -> Membership {
    Membership {
        role,
        status,
        source: Source::Manual,
        inviter: None,
    }
}
