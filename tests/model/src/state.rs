//! A state: the table, the concurrent requests, and the violations so far.

use muster::domain::{Permission, Role, Source, Status};
use serde::{Deserialize, Serialize};

use crate::decisions::{Decision, decide, refusal};
use crate::recipes::{Seen, transaction};
use crate::requests::{Request, RequestOutcome};
use crate::scope::Scope;
use crate::table::{Id, Key, Table, USERS};
use crate::transaction::{Attempt, ConditionKind, Transaction, grants};

/// The progress of a user's request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client {
    /// No request.
    #[default]
    Idle,
    /// It has read and decided; its transaction is in flight.
    Sent {
        /// The request.
        request: Request,
        /// Its reads.
        seen: Seen,
        /// Whether the item that the transaction requires is unchanged since the read.
        is_unchanged: bool,
    },
    /// Applied with a lost response: the transaction is repeated.
    Lost {
        /// The request.
        request: Request,
        /// Its reads.
        seen: Seen,
        /// Whether no later write has overwritten it.
        is_on_top: bool,
    },
}

/// Violations that the table alone does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one property")]
pub struct Wrongs {
    /// A write whose caller had no permission at that moment.
    pub without_right: bool,
    /// A write of a disabled user.
    pub by_disabled: bool,
    /// Adding a user replaced an existing membership.
    pub replaced: bool,
    /// An address with an open invitation was invited again.
    pub invited_twice: bool,
    /// An invitation was answered that had ended, or with a replaced token.
    pub dead_token: bool,
    /// A write in a deleted organization.
    pub in_deleted: bool,
    /// A write that overwrote a change after its read.
    pub lost_update: bool,
    /// A write that was applied twice.
    pub twice: bool,
    /// An applied write that was reported as refused.
    pub denied: bool,
}

/// A state: the table and the concurrent requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The table.
    pub table: Table,
    /// The users, each with at most one request.
    pub clients: [Client; USERS],
    /// The violations so far.
    pub wrongs: Wrongs,
}

impl State {
    /// The outcome of an arriving transaction and the next state.
    pub fn arrive(
        &self,
        scope: &Scope,
        user: Id,
        is_answered: bool,
    ) -> Option<(RequestOutcome, Self)> {
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
        after.write(scope, user, attempt, (request, seen), &transaction);
        if !is_answered {
            after.clients[user] = Client::Lost {
                request,
                seen,
                is_on_top: true,
            };
        }
        Some((RequestOutcome::Applied, after))
    }

    /// The same for the repetition of an applied transaction whose token DynamoDB has forgotten.
    pub fn arrive_again(&self, scope: &Scope, user: Id) -> Option<Self> {
        let Client::Lost {
            request,
            seen,
            is_on_top,
        } = self.clients[user]
        else {
            return None;
        };
        // Its own write has changed the required item.
        let attempt = Attempt {
            is_unchanged: false,
            without: scope.without,
        };
        let transaction = transaction(user, request, seen);
        let mut after = *self;
        after.clients[user] = Client::Idle;
        if attempt.commits(&self.table, &transaction) {
            after.wrongs.twice |= is_on_top;
            after.write(scope, user, attempt, (request, seen), &transaction);
            return Some(after);
        }
        // `Transaction::wrote`: a condition on a written item fails, and that item has the write's
        // id. Without the id, the request reads again or is refused.
        let own = subject(request, user);
        let is_known = scope.without != Some(ConditionKind::WriteId)
            && attempt
                .unmet(&self.table, &transaction)
                .any(|action| Some(action.key) == own);
        let is_so = decide(&self.table, user, request) == Decision::Answer(RequestOutcome::Nothing);
        after.wrongs.denied |= is_on_top && marks(request) && !is_known && !is_so;
        Some(after)
    }

    fn write(
        &mut self,
        scope: &Scope,
        user: Id,
        attempt: Attempt,
        (request, seen): (Request, Seen),
        transaction: &Transaction,
    ) {
        let before = self.table;
        self.table = attempt.apply(&before, transaction);
        self.wrongs.without_right |= !may(&before, user, request);
        self.wrongs.by_disabled |= !request.is_of_sync() && before.is_disabled(user);
        self.wrongs.lost_update |= !attempt.is_unchanged && request.pinned(user).next().is_some();
        self.wrongs.in_deleted |= !request.is_of_sync()
            && !matches!(request, Request::Create { .. } | Request::Restore { .. })
            && request
                .organization()
                .is_some_and(|id| before.organizations[id].is_some_and(|it| !it.live));
        if let Request::Add {
            organization, user, ..
        } = request
        {
            self.wrongs.replaced |= before.memberships[organization][user].is_some();
        }
        match request {
            Request::Invite {
                organization, user, ..
            } => self.wrongs.invited_twice |= before.invitations[organization][user].is_some(),
            Request::AcceptByEmail { organization, .. } => {
                let own = before.memberships[organization][user];
                self.wrongs.replaced |= seen.membership.is_none() && own.is_some();
                self.wrongs.dead_token |= !attempt.is_unchanged;
            }
            Request::DeclineByEmail { .. } => self.wrongs.dead_token |= !attempt.is_unchanged,
            _ => {}
        }
        // Its table looks the same if the inviter stays the same, but the token is new.
        let resent = match request {
            Request::Resend { organization, user } => Some(Key::Invitation(organization, user)),
            _ => None,
        };
        for (id, client) in self.clients.iter_mut().enumerate() {
            match client {
                Client::Sent {
                    request,
                    seen,
                    is_unchanged,
                } => {
                    // Of a membership that was not there, only that it is not there is required.
                    let is_absent = |key: &Key| {
                        matches!(request, Request::AcceptByEmail { .. })
                            && matches!(key, Key::Membership(..))
                            && seen.membership.is_none()
                    };
                    let mut pinned = request.pinned(id).filter(|key| !is_absent(key));
                    *is_unchanged &= !pinned
                        .any(|key| written(&before, &self.table, key) || Some(key) == resent);
                    // It must fail and start again: the same as not started.
                    let stays = scope.keeps_doomed
                        || scope.without.is_some_and(|kind| {
                            matches!(
                                kind,
                                ConditionKind::Unchanged
                                    | ConditionKind::InvitationUnchanged
                                    | ConditionKind::ProfileUnchanged
                            )
                        });
                    if !*is_unchanged && !stays {
                        *client = Client::Idle;
                    }
                }
                Client::Lost {
                    request, is_on_top, ..
                } => {
                    let own = subject(*request, id);
                    *is_on_top &= own.is_none_or(|key| {
                        !written(&before, &self.table, key) && Some(key) != resent
                    });
                }
                Client::Idle => {}
            }
        }
    }
}

/// Whether the transaction leaves its `write_id` on the item. A deleted item has none.
fn marks(request: Request) -> bool {
    !matches!(
        request,
        Request::Remove { .. }
            | Request::Leave { .. }
            | Request::Join { .. }
            | Request::Suspend { .. }
    )
}

/// The item of a request.
fn subject(request: Request, caller: Id) -> Option<Key> {
    match request {
        Request::Create { organization, .. } => Some(Key::Organization(organization)),
        Request::Add {
            organization, user, ..
        } => Some(Key::Membership(organization, user)),
        Request::Join { organization } => Some(Key::Membership(organization, caller)),
        Request::Invite {
            organization, user, ..
        } => Some(Key::Invitation(organization, user)),
        _ => request.pinned(caller).next(),
    }
}

/// Whether a write changed this item. The count of owners does not change the version.
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
        Key::Invitation(organization, user) => {
            before.invitations[organization][user] != after.invitations[organization][user]
        }
        Key::User(user) => before.disabled[user] != after.disabled[user],
    }
}

/// Whether a caller has the permission for a request, determined from the table alone, not from
/// conditions.
fn may(table: &Table, caller: Id, request: Request) -> bool {
    let Some(id) = request.organization() else {
        // The permission of a tenant admin is in the token.
        return true;
    };
    let own = table.memberships[id][caller];
    let granted = |permission, reach| own.is_some_and(|own| grants(own, permission, reach));
    let manages = |user: Id, role: Option<Role>| {
        let theirs = table.memberships[id][user].map(|membership| membership.role);
        let permission = Permission::ManageMembers;
        granted(permission, theirs) && granted(permission, role)
    };
    match request {
        Request::Create { .. }
        | Request::DeclineByEmail { .. }
        | Request::Disable { .. }
        | Request::Enable { .. } => true,
        Request::Rename { .. } => granted(Permission::UpdateOrganization, None),
        Request::Delete { .. } => granted(Permission::DeleteOrganization, None),
        Request::Restore { .. } => granted(Permission::RestoreOrganization, None),
        Request::Transfer { user, .. } => {
            let to = table.memberships[id][user];
            granted(Permission::TransferOwnership, None)
                && to.is_some_and(|to| to.status == Status::Active)
        }
        Request::Add { role, .. }
        | Request::AddAgain { role, .. }
        | Request::Invite { role, .. } => granted(Permission::ManageMembers, Some(role)),
        Request::ChangeRole { user, role, .. } => manages(user, Some(role)),
        Request::Remove { user, .. } if user == caller => {
            own.is_some_and(|own| own.status != Status::Suspended)
        }
        Request::ChangeStatus { user, .. } | Request::Remove { user, .. } => manages(user, None),
        Request::Accept { .. } => own.is_some_and(|own| {
            let inviter = own.inviter.filter(|inviter| !table.is_disabled(*inviter));
            let inviter = inviter.and_then(|inviter| table.membership(id, inviter));
            let permission = Permission::ManageMembers;
            own.status == Status::Invited
                && inviter.is_some_and(|inviter| grants(inviter, permission, Some(own.role)))
        }),
        Request::Resend { user, .. } | Request::Revoke { user, .. } => table.invitations[id][user]
            .is_none_or(|open| granted(Permission::ManageMembers, Some(open.role))),
        Request::AcceptByEmail { user, .. } => table.invitations[id][user].is_none_or(|open| {
            let inviter = table.membership(id, open.inviter);
            inviter.is_some_and(|it| grants(it, Permission::ManageMembers, Some(open.role)))
                && !table.is_disabled(open.inviter)
        }),
        // These act for the directory, on what the directory manages.
        Request::Join { .. } => own.is_none(),
        Request::Leave { .. } | Request::Suspend { .. } => {
            own.is_some_and(|own| own.source == Source::Entra)
        }
    }
}
