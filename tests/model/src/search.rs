//! The state machine: users with concurrent requests, and the properties of every state.

use muster::domain::{Role, Status};
use stateright::{Model, Property};

use crate::decisions::{Decision, decide};
use crate::recipes::transaction;
use crate::requests::{Request, RequestOutcome};
use crate::scope::Scope;
use crate::state::{Client, State};
use crate::symmetry::representative;
use crate::table::{Id, NAMES, ORGANIZATIONS, Organization, Table, USERS};
use crate::transaction::Attempt;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A user sends a request: the store reads, decides and sends the transaction.
    Ask(Id, Request),
    /// DynamoDB applies or rejects a user's transaction.
    Arrive(Id),
    /// The same, and the response is lost.
    ArriveUnanswered(Id),
    /// The transaction with the lost response arrives again.
    ArriveAgain(Id),
}

impl Scope {
    /// All possible requests of a user.
    pub fn requests(&self, state: &State, user: Id) -> Vec<Request> {
        let mut requests = Vec::new();
        let is_taken = |id: &Id| {
            state.table.organizations[*id].is_some()
                || state.clients.iter().any(|client| {
                    matches!(client, Client::Sent { request: Request::Create { organization, .. }, .. } if organization == id)
                })
        };
        // A new id is unique.
        let mut free = (0..ORGANIZATIONS).filter(|id| !is_taken(id));
        if let Some(organization) = free.next()
            && free.count() + self.organizations >= ORGANIZATIONS
        {
            requests.extend((0..NAMES).map(|name| Request::Create { organization, name }));
        }
        for organization in 0..ORGANIZATIONS {
            let Some(found) = state.table.organizations[organization] else {
                continue;
            };
            requests.extend((0..NAMES).map(|name| Request::Rename { organization, name }));
            requests.push(if found.live {
                Request::Delete { organization }
            } else {
                Request::Restore { organization }
            });
            requests.push(Request::Accept { organization });
            if self.logins {
                requests.push(Request::Join { organization });
                requests.push(Request::Leave { organization });
                requests.push(Request::Suspend { organization });
            }
            self.add_invitation_requests(state, organization, &mut requests);
            for user in 0..USERS {
                requests.push(Request::Remove { organization, user });
                for role in self.roles.iter().copied() {
                    if role != Role::Owner {
                        requests.push(Request::Transfer {
                            organization,
                            user,
                            role,
                        });
                    }
                    requests.push(Request::ChangeRole {
                        organization,
                        user,
                        role,
                    });
                    for status in [Status::Active, Status::Invited] {
                        if status == Status::Active || self.statuses.contains(&Status::Invited) {
                            requests.push(Request::AddAgain {
                                organization,
                                user,
                                role,
                                status,
                            });
                            requests.push(Request::Add {
                                organization,
                                user,
                                role,
                                status,
                            });
                        }
                    }
                }
                for status in self.statuses.iter().copied() {
                    requests.push(Request::ChangeStatus {
                        organization,
                        user,
                        status,
                    });
                }
            }
        }
        if self.disables {
            requests.extend((0..USERS).map(|user| Request::Disable { user }));
            requests.extend((0..USERS).map(|user| Request::Enable { user }));
        }
        let attempt = Attempt {
            is_unchanged: true,
            without: self.without,
        };
        requests.retain(|request| match decide(&state.table, user, *request) {
            Decision::Answer(_) => false,
            // A request without reads can start when it is applied.
            Decision::Write(seen)
                if matches!(
                    request,
                    Request::Add { .. } | Request::Create { .. } | Request::Invite { .. }
                ) =>
            {
                attempt.commits(&state.table, &transaction(user, *request, seen))
            }
            Decision::Write(_) => true,
        });
        requests
    }

    /// Adds the requests about invitations by email.
    fn add_invitation_requests(
        &self,
        state: &State,
        organization: Id,
        requests: &mut Vec<Request>,
    ) {
        let is_invited = |user: Id| {
            let is_asked = state.clients.iter().any(|client| {
                matches!(client, Client::Sent { request: Request::Invite { organization: to, user: of, .. }, .. } if (*to, *of) == (organization, user))
            });
            is_asked || state.table.invitations[organization][user].is_some()
        };
        for user in 0..USERS {
            let others = (0..USERS).filter(|other| *other != user && is_invited(*other));
            if others.count() < self.invitations {
                let roles = self.roles.iter().copied();
                requests.extend(roles.map(|role| Request::Invite {
                    organization,
                    user,
                    role,
                }));
            }
            if state.table.invitations[organization][user].is_some() {
                requests.push(Request::Resend { organization, user });
                requests.push(Request::Revoke { organization, user });
                requests.push(Request::AcceptByEmail { organization, user });
                requests.push(Request::DeclineByEmail { organization, user });
            }
        }
    }

    /// Adds all steps that are possible in a state.
    pub fn steps(&self, state: &State, steps: &mut Vec<Step>) {
        let busy = state
            .clients
            .iter()
            .filter(|client| **client != Client::Idle)
            .count();
        for (user, client) in state.clients.iter().enumerate() {
            match client {
                Client::Idle if busy < self.at_once => {
                    let requests = self.requests(state, user).into_iter();
                    steps.extend(requests.map(|request| Step::Ask(user, request)));
                }
                Client::Idle => {}
                Client::Sent { .. } => {
                    steps.push(Step::Arrive(user));
                    if self.lost_answers {
                        steps.push(Step::ArriveUnanswered(user));
                    }
                }
                Client::Lost { .. } => steps.push(Step::ArriveAgain(user)),
            }
        }
    }

    /// The state after a step; `None` if the step is not possible.
    pub fn after(&self, state: &State, step: Step) -> Option<State> {
        match step {
            Step::Ask(user, request) => match decide(&state.table, user, request) {
                Decision::Write(seen) => {
                    let mut after = *state;
                    after.clients[user] = Client::Sent {
                        request,
                        seen,
                        is_unchanged: true,
                    };
                    Some(after)
                }
                Decision::Answer(_) => None,
            },
            Step::Arrive(user) => {
                let Client::Sent { request, .. } = state.clients[user] else {
                    return None;
                };
                let (outcome, after) = state.arrive(self, user, true)?;
                self.outcomes.count(request, outcome);
                Some(after)
            }
            Step::ArriveUnanswered(user) => match state.arrive(self, user, false)? {
                (RequestOutcome::Applied, after) => Some(after),
                // Nothing was written, so the repetition equals the first attempt.
                _ => None,
            },
            Step::ArriveAgain(user) => state.arrive_again(self, user),
        }
    }
}

/// A state as a search keeps it, encoded by postcard: a tenth of the size of [`State`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packed(Box<[u8]>);

#[expect(
    clippy::expect_used,
    reason = "a state consists of arrays, numbers and unit variants, which postcard encodes and decodes"
)]
impl Packed {
    fn new(state: &State) -> Self {
        let packed = postcard::to_allocvec(state).expect("a state has arrays and numbers only");
        Self(packed.into())
    }

    fn state(&self) -> State {
        postcard::from_bytes(&self.0).expect("a state that was packed")
    }
}

impl Model for Scope {
    type State = Packed;
    type Action = Step;

    fn init_states(&self) -> Vec<Packed> {
        vec![Packed::new(&State::default())]
    }

    fn actions(&self, state: &Packed, steps: &mut Vec<Step>) {
        self.steps(&state.state(), steps);
    }

    fn next_state(&self, state: &Packed, step: Step) -> Option<Packed> {
        let after = self.after(&state.state(), step)?;
        Some(Packed::new(&representative(&after)))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an organization has an owner", |_, state: &Packed| {
                let table = state.state().table;
                (0..ORGANIZATIONS)
                    .all(|id| table.organizations[id].is_none() || table.active_owners(id) > 0)
            }),
            Property::always("the owner count is correct", |_, state: &Packed| {
                let table = state.state().table;
                (0..ORGANIZATIONS).all(|id| {
                    table.organizations[id]
                        .is_none_or(|it| usize::from(it.owner_count) == table.active_owners(id))
                })
            }),
            Property::always("names are unique", |_, state: &Packed| {
                names_are_unique(&state.state().table)
            }),
            Property::always("no user is added twice", |_, state: &Packed| {
                !state.state().wrongs.replaced
            }),
            Property::always("an address has one open invitation", |_, state: &Packed| {
                !state.state().wrongs.invited_twice
            }),
            Property::always(
                "no ended or replaced token is accepted",
                |_, state: &Packed| !state.state().wrongs.dead_token,
            ),
            Property::always("every writer has permission", |_, state: &Packed| {
                !state.state().wrongs.without_right
            }),
            Property::always("no disabled user writes", |_, state: &Packed| {
                !state.state().wrongs.by_disabled
            }),
            Property::always(
                "deleted organizations do not change",
                |_, state: &Packed| !state.state().wrongs.in_deleted,
            ),
            Property::always(
                "no write overwrites an unread change",
                |_, state: &Packed| !state.state().wrongs.lost_update,
            ),
            Property::always("no write is applied twice", |_, state: &Packed| {
                !state.state().wrongs.twice
            }),
            Property::always(
                "no applied write is reported as refused",
                |_, state: &Packed| !state.state().wrongs.denied,
            ),
        ]
    }
}

/// Each live organization has its name reserved, no two have the same name, and no name is reserved
/// for another organization.
fn names_are_unique(table: &Table) -> bool {
    let held = |name: Id| {
        let holders = table.organizations.iter().enumerate();
        let holds =
            |(_, it): &(Id, &Option<Organization>)| it.is_some_and(|it| it.live && it.name == name);
        holders.filter(holds).map(|(id, _)| id).collect::<Vec<_>>()
    };
    (0..NAMES).all(|name| match (held(name).as_slice(), table.names[name]) {
        ([], None) => true,
        ([id], Some(holder)) => *id == holder,
        _ => false,
    })
}
