//! A state: the table, the requests under way, and what went wrong so far.

use muster::domain::{Permission, Role, Source, Status};

use crate::decisions::{Decision, decide, refusal};
use crate::recipes::{Seen, transaction};
use crate::requests::{Outcome, Request};
use crate::search::Scope;
use crate::table::{Id, Key, Table, USERS};
use crate::transaction::{Attempt, Kind, Transaction, grants};

/// How far a user's request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Client {
    /// There is none.
    #[default]
    Idle,
    /// It has read and decided; its transaction is on its way.
    Sent {
        /// The request.
        request: Request,
        /// What it read.
        seen: Seen,
        /// Whether nobody wrote since what the transaction is pinned to.
        is_unchanged: bool,
    },
    /// It was applied, but the answer was lost: the transaction is sent again.
    Lost {
        /// The request.
        request: Request,
        /// What it read.
        seen: Seen,
        /// Whether nobody has written over it.
        is_on_top: bool,
    },
}

/// What must never happen, and is not to be seen in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools)] // each is one property
pub struct Wrongs {
    /// A write whose caller had no right to it at that moment.
    pub without_right: bool,
    /// A membership that was there was replaced by adding somebody.
    pub replaced: bool,
    /// A write in an organization that is deleted.
    pub in_deleted: bool,
    /// A write over what somebody else wrote after it was read.
    pub lost_update: bool,
    /// A write that was applied was applied anew.
    pub twice: bool,
    /// A write that was applied, and stands, was told to be refused.
    pub denied: bool,
}

/// A state: the table, and the requests under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The table.
    pub table: Table,
    /// The users, each with at most one request.
    pub clients: [Client; USERS],
    /// What went wrong on the way here.
    pub wrongs: Wrongs,
}

impl State {
    /// What becomes of a transaction that arrives: the outcome, and the state after it.
    pub fn arrive(&self, scope: &Scope, user: Id, is_answered: bool) -> Option<(Outcome, Self)> {
        let Client::Sent {
            request,
            seen,
            is_unchanged,
        } = self.clients[user]
        else {
            return None;
        };
        let attempt = Attempt {
            is_unchanged,
            without: scope.without,
        };
        let transaction = transaction(user, request, seen);
        let mut after = *self;
        after.clients[user] = Client::Idle;
        if !attempt.commits(&self.table, &transaction) {
            let outcome = refusal(&self.table, attempt, user, request, &transaction);
            return Some((outcome, after));
        }
        after.write(scope, user, attempt, request, &transaction);
        if !is_answered {
            after.clients[user] = Client::Lost {
                request,
                seen,
                is_on_top: true,
            };
        }
        Some((Outcome::Applied, after))
    }

    /// The same for one that was applied and comes again, to a DynamoDB that does not know it any more.
    pub fn arrive_again(&self, scope: &Scope, user: Id) -> Option<Self> {
        let Client::Lost {
            request,
            seen,
            is_on_top,
        } = self.clients[user]
        else {
            return None;
        };
        // Its own write has changed what it is pinned to.
        let attempt = Attempt {
            is_unchanged: false,
            without: scope.without,
        };
        let transaction = transaction(user, request, seen);
        let mut after = *self;
        after.clients[user] = Client::Idle;
        if attempt.commits(&self.table, &transaction) {
            after.wrongs.twice |= is_on_top;
            after.write(scope, user, attempt, request, &transaction);
            return Some(after);
        }
        // `Transaction::wrote`: a condition on what it wrote does not hold, and that item bears its id.
        // Without it, it asks anew or is refused.
        let own = subject(request, user);
        let is_known = scope.without != Some(Kind::WriteId)
            && attempt
                .unmet(&self.table, &transaction)
                .any(|action| action.key == own);
        let is_so = decide(&self.table, user, request) == Decision::Answer(Outcome::Nothing);
        after.wrongs.denied |= is_on_top && marks(request) && !is_known && !is_so;
        Some(after)
    }

    fn write(
        &mut self,
        scope: &Scope,
        user: Id,
        attempt: Attempt,
        request: Request,
        transaction: &Transaction,
    ) {
        let before = self.table;
        self.table = attempt.apply(&before, transaction);
        self.wrongs.without_right |= !may(&before, user, request);
        self.wrongs.lost_update |= !attempt.is_unchanged && request.pinned(user).is_some();
        self.wrongs.in_deleted |= !request.is_of_sync()
            && !matches!(request, Request::Create { .. } | Request::Restore { .. })
            && before.organizations[request.organization()].is_some_and(|it| !it.live);
        if let Request::Add {
            organization, user, ..
        } = request
        {
            self.wrongs.replaced |= before.memberships[organization][user].is_some();
        }
        for (id, client) in self.clients.iter_mut().enumerate() {
            match client {
                Client::Sent {
                    request,
                    is_unchanged,
                    ..
                } => {
                    let pinned = request.pinned(id);
                    *is_unchanged &= !pinned.is_some_and(|key| written(&before, &self.table, key));
                    // It is bound to fail, and will ask anew: as if it had not asked.
                    let stays = scope.keeps_doomed || scope.without == Some(Kind::Unchanged);
                    if !*is_unchanged && !stays {
                        *client = Client::Idle;
                    }
                }
                Client::Lost {
                    request, is_on_top, ..
                } => {
                    let own = subject(*request, id);
                    *is_on_top &= !written(&before, &self.table, own);
                }
                Client::Idle => {}
            }
        }
    }
}

/// Whether the transaction leaves its `write_id` on what it is about. What is deleted bears none.
fn marks(request: Request) -> bool {
    !matches!(
        request,
        Request::Remove { .. }
            | Request::Leave { .. }
            | Request::Join { .. }
            | Request::Suspend { .. }
    )
}

/// The item that a request is about.
fn subject(request: Request, caller: Id) -> Key {
    match request {
        Request::Create { organization, .. } => Key::Organization(organization),
        Request::Add {
            organization, user, ..
        } => Key::Membership(organization, user),
        Request::Join { organization } => Key::Membership(organization, caller),
        _ => request
            .pinned(caller)
            .unwrap_or(Key::Organization(request.organization())),
    }
}

/// Whether a write was one of this item. The count of owners goes by no version.
fn written(before: &Table, after: &Table, key: Key) -> bool {
    match key {
        Key::Organization(id) => {
            let plain = |table: &Table| table.organizations[id].map(|it| (it.name, it.live));
            plain(before) != plain(after)
        }
        Key::Membership(organization, user) => {
            before.memberships[organization][user] != after.memberships[organization][user]
        }
        Key::Name(id) => before.names[id] != after.names[id],
    }
}

/// Whether a caller may do what they ask for, as things are: asked of the table alone, and of no
/// condition.
fn may(table: &Table, caller: Id, request: Request) -> bool {
    let id = request.organization();
    let own = table.memberships[id][caller];
    let granted = |permission, reach| own.is_some_and(|own| grants(own, permission, reach));
    let manages = |user: Id, role: Option<Role>| {
        let theirs = table.memberships[id][user].map(|membership| membership.role);
        let permission = Permission::ManageMembers;
        granted(permission, theirs) && granted(permission, role)
    };
    match request {
        Request::Create { .. } => true,
        Request::Rename { .. } => granted(Permission::UpdateOrganization, None),
        Request::Delete { .. } => granted(Permission::DeleteOrganization, None),
        Request::Restore { .. } => granted(Permission::RestoreOrganization, None),
        Request::Add { role, .. } | Request::AddAgain { role, .. } => {
            granted(Permission::ManageMembers, Some(role))
        }
        Request::ChangeRole { user, role, .. } => manages(user, Some(role)),
        Request::Remove { user, .. } if user == caller => {
            own.is_some_and(|own| own.status != Status::Suspended)
        }
        Request::ChangeStatus { user, .. } | Request::Remove { user, .. } => manages(user, None),
        Request::Accept { .. } => own.is_some_and(|own| {
            let inviter = own
                .inviter
                .and_then(|inviter| table.membership(id, inviter));
            let permission = Permission::ManageMembers;
            own.status == Status::Invited
                && inviter.is_some_and(|inviter| grants(inviter, permission, Some(own.role)))
        }),
        // These act by the directory's word, on what is the directory's.
        Request::Join { .. } => own.is_none(),
        Request::Leave { .. } | Request::Suspend { .. } => {
            own.is_some_and(|own| own.source == Source::Entra)
        }
    }
}
