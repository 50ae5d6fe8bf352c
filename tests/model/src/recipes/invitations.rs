//! The transactions on invitations by email.

use muster::domain::{Permission, Role, Source, Status};

use super::Seen;
use crate::requests::Request;
use crate::table::{Id, Invitation, Key, Membership};
use crate::transaction::{Change, Condition, Transaction};

/// Adds the actions of a request about an invitation by email.
pub(super) fn write(made: &mut Transaction, caller: Id, request: Request, seen: Seen) {
    match request {
        Request::Invite {
            organization,
            user,
            role,
        } => {
            let invitation = Some(Invitation {
                role,
                inviter: caller,
            });
            let absent = Condition::Absent;
            let change = (absent, invitation, role);
            change_invitation(made, caller, (organization, user), change);
        }
        Request::Resend { organization, user } => {
            if let Some(Invitation { role, .. }) = seen.invitation {
                let invitation = Some(Invitation {
                    role,
                    inviter: caller,
                });
                let change = (Condition::Unchanged, invitation, role);
                change_invitation(made, caller, (organization, user), change);
            }
        }
        Request::Revoke { organization, user } => {
            if let Some(Invitation { role, .. }) = seen.invitation {
                let change = (Condition::Unchanged, None, role);
                change_invitation(made, caller, (organization, user), change);
            }
        }
        Request::AcceptByEmail { organization, user } => {
            accept_by_email(made, caller, (organization, user), seen);
        }
        Request::DeclineByEmail { organization, user } => {
            decline_by_email(made, caller, (organization, user));
        }
        _ => {}
    }
}

/// `Store::create_invitation`, `resend_invitation` and `revoke_invitation`.
fn change_invitation(
    made: &mut Transaction,
    caller: Id,
    (organization, user): (Id, Id),
    (condition, after, role): (Condition, Option<Invitation>, Role),
) {
    made.require(organization, caller, Permission::ManageMembers, Some(role));
    let live = [Some(Condition::Live), None];
    made.action(Key::Organization(organization), live, Change::Nothing);
    let key = Key::Invitation(organization, user);
    made.action(key, [Some(condition), None], Change::Invitation(after));
}

/// `Store::accept_email_invitation`.
fn accept_by_email(made: &mut Transaction, caller: Id, (organization, user): (Id, Id), seen: Seen) {
    let Some(Invitation { role, inviter }) = seen.invitation else {
        return;
    };
    let unchanged = [Some(Condition::Unchanged), None];
    let key = Key::Invitation(organization, user);
    made.action(key, unchanged, Change::Invitation(None));
    // The membership of a caller who is the inviter is pinned below.
    if inviter != caller {
        made.hold_inviter(organization, inviter, role);
    }
    made.require_enabled(caller);
    let key = Key::Membership(organization, caller);
    let after = membership_after(seen.membership, role);
    match seen.membership {
        None => {
            let absent = [Some(Condition::Absent), None];
            made.action(key, absent, Change::Membership(Some(after)));
        }
        Some(before) if before == after => made.action(key, unchanged, Change::Nothing),
        Some(_) => made.action(key, unchanged, Change::Membership(Some(after))),
    }
    let owners = (seen.membership, Some(after));
    made.hold_organization(organization, owners, Some(Condition::Live));
}

/// The membership of a user who accepted an invitation by email with this role. Its source makes no difference here.
fn membership_after(before: Option<Membership>, role: Role) -> Membership {
    match before {
        Some(before) if before.status != Status::Invited => before,
        before => Membership {
            role,
            status: Status::Active,
            source: before.map_or(Source::Manual, |before| before.source),
            inviter: None,
        },
    }
}

/// `Store::decline_email_invitation`.
fn decline_by_email(made: &mut Transaction, caller: Id, (organization, user): (Id, Id)) {
    let unchanged = [Some(Condition::Unchanged), None];
    let key = Key::Invitation(organization, user);
    made.action(key, unchanged, Change::Invitation(None));
    let live = [Some(Condition::Live), None];
    made.action(Key::Organization(organization), live, Change::Nothing);
    made.require_enabled(caller);
}
