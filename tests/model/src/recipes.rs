//! The transactions of the store: actions and conditions.

mod invitations;
mod logins;
mod parts;

use muster::domain::{Permission, Role, Source, Status};
use serde::{Deserialize, Serialize};

use crate::requests::Request;
use crate::table::{Id, Invitation, Key, Membership, Organization};
use crate::transaction::{Change, Condition, Transaction};

/// The reads before a transaction that it depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The organization to change.
    pub organization: Option<Organization>,
    /// The membership to change.
    pub membership: Option<Membership>,
    /// The membership of a caller who steps down.
    pub own: Option<Membership>,
    /// The invitation by email to change.
    pub invitation: Option<Invitation>,
}

/// The transaction of a request with these reads.
pub fn transaction(caller: Id, request: Request, seen: Seen) -> Transaction {
    let mut made = Transaction::default();
    match request {
        Request::Create { organization, name } => {
            create_organization(&mut made, caller, organization, name);
        }
        Request::Rename { organization, .. }
        | Request::Delete { organization }
        | Request::Restore { organization } => {
            change_organization(&mut made, (caller, organization), request, seen);
        }
        Request::Add {
            organization,
            user,
            role,
            status,
        } => {
            add_member(&mut made, caller, (organization, user), role, status);
        }
        Request::AddAgain {
            organization,
            user,
            role,
            status,
        } => {
            let asked = (role, status);
            add_member_again(&mut made, caller, (organization, user), asked, seen);
        }
        Request::ChangeRole {
            organization,
            user,
            role,
        } => {
            update_membership(&mut made, caller, (organization, user), seen, |before| {
                Membership { role, ..before }
            });
        }
        Request::ChangeStatus {
            organization,
            user,
            status,
        } => {
            update_membership(&mut made, caller, (organization, user), seen, |before| {
                Membership { status, ..before }
            });
        }
        Request::Remove { organization, user } => {
            remove_member(&mut made, caller, (organization, user), seen);
        }
        Request::Accept { organization } => {
            accept_invitation(&mut made, caller, organization, seen);
        }
        Request::Transfer {
            organization,
            user,
            role,
        } => transfer_ownership(&mut made, caller, (organization, user), role, seen),
        Request::Invite { .. }
        | Request::Resend { .. }
        | Request::Revoke { .. }
        | Request::AcceptByEmail { .. }
        | Request::DeclineByEmail { .. } => invitations::write(&mut made, caller, request, seen),
        Request::Disable { user } => change_user_status(&mut made, caller, user, true),
        Request::Enable { user } => change_user_status(&mut made, caller, user, false),
        Request::Join { organization } => {
            logins::join_organization(&mut made, caller, organization);
        }
        Request::Leave { organization } => {
            logins::leave_organization(&mut made, caller, organization, seen);
        }
        Request::Suspend { organization } => {
            logins::change_synced_membership(&mut made, caller, organization, seen);
        }
    }
    made
}

/// `Store::create_organization`.
fn create_organization(made: &mut Transaction, caller: Id, organization: Id, name: Id) {
    let absent = [Some(Condition::Absent), None];
    let new = Organization {
        name,
        live: true,
        owner_count: 1,
    };
    made.action(
        Key::Organization(organization),
        absent,
        Change::Organization(new),
    );
    made.move_name(organization, None, Some(name));
    let owner = Some(Membership {
        role: Role::Owner,
        status: Status::Active,
        source: Source::Manual,
        inviter: None,
    });
    let key = Key::Membership(organization, caller);
    made.action(key, absent, Change::Membership(owner));
    made.require_enabled(caller);
}

/// `Store::change`: of `update_organization`, `delete_organization`, `restore_organization`.
fn change_organization(
    made: &mut Transaction,
    (caller, organization): (Id, Id),
    request: Request,
    seen: Seen,
) {
    let Some(before) = seen.organization else {
        return;
    };
    let (permission, after) = match request {
        Request::Rename { name, .. } => (
            Permission::UpdateOrganization,
            Organization { name, ..before },
        ),
        Request::Delete { .. } => (
            Permission::DeleteOrganization,
            Organization {
                live: false,
                ..before
            },
        ),
        _ => (
            Permission::RestoreOrganization,
            Organization {
                live: true,
                ..before
            },
        ),
    };
    made.require(organization, caller, permission, None);
    let unchanged = [Some(Condition::Unchanged), None];
    made.action(
        Key::Organization(organization),
        unchanged,
        Change::Organization(after),
    );
    let held = before.live.then_some(before.name);
    let wanted = after.live.then_some(after.name);
    made.move_name(organization, held, wanted);
}

/// `Store::add_member`.
fn add_member(
    made: &mut Transaction,
    caller: Id,
    (organization, user): (Id, Id),
    role: Role,
    status: Status,
) {
    made.require(organization, caller, Permission::ManageMembers, Some(role));
    let new = Membership {
        role,
        status,
        source: Source::Manual,
        inviter: None,
    };
    let new = Some(new.changed_by(caller, None));
    made.hold_organization(organization, (None, new), Some(Condition::Live));
    let key = Key::Membership(organization, user);
    made.action(
        key,
        [Some(Condition::Absent), None],
        Change::Membership(new),
    );
}

/// `Store::change_invitation`.
fn add_member_again(
    made: &mut Transaction,
    caller: Id,
    (organization, user): (Id, Id),
    (role, status): (Role, Status),
    seen: Seen,
) {
    let Some(before) = seen.membership else {
        return;
    };
    made.require(organization, caller, Permission::ManageMembers, Some(role));
    let after = Membership {
        status,
        inviter: (status == Status::Invited).then_some(caller),
        ..before
    };
    let owners = (Some(before), Some(after));
    made.hold_organization(organization, owners, Some(Condition::Live));
    let key = Key::Membership(organization, user);
    made.action(
        key,
        [Some(Condition::Unchanged), None],
        Change::Membership(Some(after)),
    );
}

/// `Store::update_membership`.
fn update_membership(
    made: &mut Transaction,
    caller: Id,
    (organization, user): (Id, Id),
    seen: Seen,
    change: impl Fn(Membership) -> Membership,
) {
    let Some(before) = seen.membership else {
        return;
    };
    let after = change(before).changed_by(caller, Some(before));
    let higher = if before.role.reaches(after.role) {
        before.role
    } else {
        after.role
    };
    let key = Key::Membership(organization, user);
    let mut conditions = [Some(Condition::Unchanged), None];
    if caller == user {
        // A transaction must not name an item twice.
        conditions[1] = Some(Condition::Grants {
            permission: Permission::ManageMembers,
            reach: Some(higher),
        });
        made.require_enabled(caller);
    } else {
        made.require(
            organization,
            caller,
            Permission::ManageMembers,
            Some(higher),
        );
    }
    made.action(key, conditions, Change::Membership(Some(after)));
    let owners = (Some(before), Some(after));
    made.hold_organization(organization, owners, Some(Condition::Live));
}

/// `Store::remove_member`.
fn remove_member(made: &mut Transaction, caller: Id, (organization, user): (Id, Id), seen: Seen) {
    let Some(before) = seen.membership else {
        return;
    };
    if caller == user {
        made.require_enabled(caller);
    } else {
        made.require(
            organization,
            caller,
            Permission::ManageMembers,
            Some(before.role),
        );
    }
    let key = Key::Membership(organization, user);
    made.action(
        key,
        [Some(Condition::Unchanged), None],
        Change::Membership(None),
    );
    made.hold_organization(organization, (Some(before), None), Some(Condition::Live));
}

/// `Store::accept_invitation`.
fn accept_invitation(made: &mut Transaction, caller: Id, organization: Id, seen: Seen) {
    let Some(before) = seen.membership else {
        return;
    };
    let after = Membership {
        status: Status::Active,
        inviter: None,
        ..before
    };
    if let Some(inviter) = before.inviter {
        made.hold_inviter(organization, inviter, before.role);
    }
    made.require_enabled(caller);
    let key = Key::Membership(organization, caller);
    made.action(
        key,
        [Some(Condition::Unchanged), None],
        Change::Membership(Some(after)),
    );
    let owners = (Some(before), Some(after));
    made.hold_organization(organization, owners, Some(Condition::Live));
}

/// `Store::transfer_ownership`.
fn transfer_ownership(
    made: &mut Transaction,
    caller: Id,
    (organization, user): (Id, Id),
    role: Role,
    seen: Seen,
) {
    let Some(before) = seen.membership else {
        return;
    };
    made.require_enabled(caller);
    let unchanged = Some(Condition::Unchanged);
    if let Some(own) = seen.own {
        let lowered = Some(Membership { role, ..own });
        let key = Key::Membership(organization, caller);
        made.action(key, [unchanged, None], Change::Membership(lowered));
    }
    let is_owner = before.role == Role::Owner;
    let raised = Some(Membership {
        role: Role::Owner,
        ..before
    });
    let change = if is_owner {
        Change::Nothing
    } else {
        Change::Membership(raised)
    };
    let key = Key::Membership(organization, user);
    made.action(key, [unchanged, None], change);
    let more_owners = i8::from(!is_owner) - i8::from(seen.own.is_some());
    let change = if more_owners == 0 {
        Change::Nothing
    } else {
        Change::Owners(more_owners)
    };
    let key = Key::Organization(organization);
    made.action(key, [unchanged, Some(Condition::Live)], change);
}

/// `Store::change_user_status`.
fn change_user_status(made: &mut Transaction, caller: Id, user: Id, is_disabled: bool) {
    let unchanged = [Some(Condition::Unchanged), None];
    made.action(Key::User(user), unchanged, Change::Disabled(is_disabled));
    if caller != user {
        // Of the caller's own profile, the version that was read also holds the status.
        made.require_enabled(caller);
    }
}
