//! The reads and decisions of the store before a write.

mod invitations;
mod refusal;

use muster::domain::{Permission, Role, Source, Status};

pub use self::refusal::refusal;
use crate::recipes::Seen;
use crate::requests::{Request, RequestOutcome};
use crate::table::{Id, Membership, Organization, TENANT_ADMIN, Table};

/// The result of the reads before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ends without a write.
    Answer(RequestOutcome),
    /// Continues with a transaction based on these reads.
    Write(Seen),
}

/// Reads and decides: the part of a store method before its transaction.
pub fn decide(table: &Table, caller: Id, request: Request) -> Decision {
    if table.is_disabled(caller) && reads_caller(caller, request) {
        return Decision::Answer(RequestOutcome::UserDisabled);
    }
    let decided = match request {
        Request::Add {
            organization,
            user,
            role,
            ..
        } if user == caller => Err(add_oneself(table, caller, organization, role)),
        // Requests without reads.
        Request::Create { .. } | Request::Add { .. } => Ok(Seen::default()),
        Request::Rename { organization, .. }
        | Request::Delete { organization }
        | Request::Restore { organization } => {
            decide_organization(table, caller, organization, request)
        }
        Request::AddAgain {
            organization,
            user,
            role,
            status,
        } => decide_add_again(table, caller, (organization, user), (role, status)),
        Request::ChangeRole {
            organization,
            user,
            role,
        } => decide_update(table, caller, (organization, user), |before| {
            Ok(Membership { role, ..before })
        }),
        Request::ChangeStatus {
            organization,
            user,
            status,
        } => decide_update(table, caller, (organization, user), |before| {
            if status == Status::Suspended && before.status == Status::Invited {
                return Err(RequestOutcome::InvitationPending);
            }
            if status == Status::Invited && before.status != Status::Invited {
                return Err(RequestOutcome::Invalid);
            }
            Ok(Membership { status, ..before })
        }),
        Request::Remove { organization, user } => {
            decide_remove(table, caller, (organization, user))
        }
        Request::Accept { organization } => decide_accept(table, caller, organization),
        Request::Transfer {
            organization, user, ..
        } => decide_transfer(table, caller, (organization, user)),
        Request::Invite {
            organization,
            user,
            role,
        } => invitations::decide_invite(table, caller, (organization, user), role),
        Request::Resend { organization, user } | Request::Revoke { organization, user } => {
            invitations::decide_change_invitation(table, caller, (organization, user))
        }
        Request::AcceptByEmail { organization, user } => {
            invitations::decide_accept_by_email(table, caller, (organization, user))
        }
        Request::DeclineByEmail { organization, user } => live(table, organization)
            .and_then(|_| invitations::open_invitation(table, (organization, user))),
        Request::Disable { user } => decide_status(table, user, true),
        Request::Enable { user } => decide_status(table, user, false),
        Request::Join { organization }
        | Request::Leave { organization }
        | Request::Suspend { organization } => decide_login(table, caller, request, organization),
    };
    match decided {
        Ok(seen) => Decision::Write(seen),
        Err(outcome) => Decision::Answer(outcome),
    }
}

/// Whether the store reads the caller's profile before it writes. A login has no caller. The other requests read nothing
/// before, and their transactions refuse a disabled caller.
fn reads_caller(caller: Id, request: Request) -> bool {
    match request {
        Request::Create { .. } => false,
        Request::Add { user, .. } => user == caller,
        _ => !request.is_of_sync(),
    }
}

/// `View::organization`.
pub fn live(table: &Table, id: Id) -> Result<Organization, RequestOutcome> {
    let found = table.organizations[id].filter(|organization| organization.live);
    found.ok_or(RequestOutcome::NotFound)
}

/// `access::standing`.
fn standing(table: &Table, organization: Id, caller: Id) -> Result<Role, RequestOutcome> {
    if caller == TENANT_ADMIN {
        return Ok(Role::Owner);
    }
    match table.membership(organization, caller) {
        Some(own) if own.status == Status::Active => Ok(own.role),
        _ => Err(RequestOutcome::NotFound),
    }
}

/// `Standing::require`.
fn require(role: Role, permission: Permission) -> Result<(), RequestOutcome> {
    if role.grants(permission) {
        Ok(())
    } else {
        Err(RequestOutcome::Forbidden)
    }
}

fn reaches(role: Role, other: Role) -> Result<(), RequestOutcome> {
    if role.reaches(other) {
        Ok(())
    } else {
        Err(RequestOutcome::Forbidden)
    }
}

/// The requirements on the caller of an operation on invitations: a live organization, and a role that manages members
/// and is not below the role that is given.
pub fn require_manager(
    table: &Table,
    caller: Id,
    organization: Id,
    given: Option<Role>,
) -> Result<(), RequestOutcome> {
    live(table, organization)?;
    let own = standing(table, organization, caller)?;
    require(own, Permission::ManageMembers)?;
    given.map_or(Ok(()), |role| reaches(own, role))
}

/// The first part of `Store::update_organization`, `delete_organization`, `restore_organization`.
fn decide_organization(
    table: &Table,
    caller: Id,
    id: Id,
    request: Request,
) -> Result<Seen, RequestOutcome> {
    let is_restore = matches!(request, Request::Restore { .. });
    let before = match table.organizations[id] {
        Some(deleted) if is_restore => deleted,
        _ => live(table, id)?,
    };
    let role = standing(table, id, caller)?;
    let permission = match request {
        Request::Restore { .. } => Permission::RestoreOrganization,
        Request::Delete { .. } => Permission::DeleteOrganization,
        _ => Permission::UpdateOrganization,
    };
    require(role, permission)?;
    let is_so = match request {
        Request::Restore { .. } => before.live,
        Request::Rename { name, .. } => before.name == name,
        _ => false,
    };
    if is_so {
        return Err(RequestOutcome::Nothing);
    }
    Ok(Seen {
        organization: Some(before),
        membership: None,
        own: None,
        invitation: None,
    })
}

/// `Store::add_self`.
fn add_oneself(table: &Table, caller: Id, organization: Id, role: Role) -> RequestOutcome {
    let refused = || {
        live(table, organization)?;
        let own = standing(table, organization, caller)?;
        require(own, Permission::ManageMembers)?;
        reaches(own, role)?;
        Ok(if own == role {
            RequestOutcome::Nothing
        } else {
            RequestOutcome::AlreadyMember
        })
    };
    refused().unwrap_or_else(|outcome| outcome)
}

/// The response of a failed transaction of `Store::add_member` for the existing membership,
/// depending on the caller's permission.
fn decide_add_again(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
    (role, status): (Role, Status),
) -> Result<Seen, RequestOutcome> {
    live(table, organization)?;
    let own = standing(table, organization, caller)?;
    require(own, Permission::ManageMembers)?;
    reaches(own, role)?;
    let stored = table.membership(organization, user);
    let stored = stored.ok_or(RequestOutcome::Conflict)?;
    match already(stored, (role, status), caller) {
        RequestOutcome::Again => Ok(Seen {
            organization: None,
            membership: Some(stored),
            own: None,
            invitation: None,
        }),
        outcome => Err(outcome),
    }
}

/// `Store::already`. An open invitation that is to become active, or the caller's own, continues
/// with `Again`, as [`Request::AddAgain`].
fn already(stored: Membership, (role, status): (Role, Status), caller: Id) -> RequestOutcome {
    let is_changed = status == Status::Active || stored.inviter != Some(caller);
    if stored.status == Status::Suspended {
        RequestOutcome::AlreadyMember
    } else if stored.role == role && stored.status == Status::Invited && is_changed {
        RequestOutcome::Again
    } else if stored.role == role {
        RequestOutcome::Nothing
    } else {
        RequestOutcome::AlreadyMember
    }
}

/// The first part of `Store::update_membership`.
fn decide_update(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
    change: impl Fn(Membership) -> Result<Membership, RequestOutcome>,
) -> Result<Seen, RequestOutcome> {
    live(table, organization)?;
    let own = standing(table, organization, caller)?;
    require(own, Permission::ManageMembers)?;
    let before = table
        .membership(organization, user)
        .ok_or(RequestOutcome::NotFound)?;
    reaches(own, before.role)?;
    let after = change(before)?;
    reaches(own, after.role)?;
    if after == before {
        return Err(RequestOutcome::Nothing);
    }
    Ok(Seen {
        organization: None,
        membership: Some(before),
        own: None,
        invitation: None,
    })
}

/// The first part of `Store::remove_member`.
fn decide_remove(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
) -> Result<Seen, RequestOutcome> {
    let membership = table.membership(organization, user);
    if caller == user && membership.is_none() {
        return Err(RequestOutcome::Nothing);
    }
    live(table, organization)?;
    if caller != user {
        let own = standing(table, organization, caller)?;
        require(own, Permission::ManageMembers)?;
        if let Some(before) = membership {
            reaches(own, before.role)?;
        }
    }
    let before = membership.ok_or(RequestOutcome::Nothing)?;
    if caller == user && before.status == Status::Suspended {
        return Err(RequestOutcome::Forbidden);
    }
    if before.source == Source::Entra {
        return Err(RequestOutcome::DirectoryManaged);
    }
    Ok(Seen {
        organization: None,
        membership,
        own: None,
        invitation: None,
    })
}

/// The first part of `Store::accept_invitation`.
fn decide_accept(table: &Table, caller: Id, organization: Id) -> Result<Seen, RequestOutcome> {
    live(table, organization)?;
    let before = table
        .membership(organization, caller)
        .ok_or(RequestOutcome::NotFound)?;
    match before.status {
        Status::Active => Err(RequestOutcome::Nothing),
        Status::Suspended => Err(RequestOutcome::InvitationNotPending),
        Status::Invited => Ok(Seen {
            organization: None,
            membership: Some(before),
            own: None,
            invitation: None,
        }),
    }
}

/// The first part of `Store::transfer_ownership`.
fn decide_transfer(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
) -> Result<Seen, RequestOutcome> {
    let found = live(table, organization)?;
    let role = standing(table, organization, caller)?;
    require(role, Permission::TransferOwnership)?;
    if caller == user {
        return Err(RequestOutcome::Invalid);
    }
    let before = table
        .membership(organization, user)
        .filter(|it| it.status == Status::Active)
        .ok_or(RequestOutcome::NotAnOrganizationMember)?;
    let own = table.membership(organization, caller);
    let own = own.filter(|own| own.is_active_owner());
    if own.is_none() && before.role == Role::Owner {
        return Err(RequestOutcome::Nothing);
    }
    Ok(Seen {
        organization: Some(found),
        membership: Some(before),
        own,
        invitation: None,
    })
}

/// The first part of `Store::change_user_status`.
fn decide_status(table: &Table, user: Id, is_disabled: bool) -> Result<Seen, RequestOutcome> {
    if table.is_disabled(user) == is_disabled {
        return Err(RequestOutcome::Nothing);
    }
    Ok(Seen::default())
}

/// The plan of a login: joins existing organizations and leaves those that the directory granted.
fn decide_login(
    table: &Table,
    caller: Id,
    request: Request,
    organization: Id,
) -> Result<Seen, RequestOutcome> {
    let membership = table.membership(organization, caller);
    let is_wanted = match (request, membership) {
        (Request::Join { .. }, None) => table.organizations[organization].is_some_and(|it| it.live),
        (Request::Leave { .. }, Some(own)) => own.source == Source::Entra,
        (Request::Suspend { .. }, Some(own)) => {
            own.source == Source::Entra && own.status != Status::Suspended
        }
        _ => false,
    };
    if !is_wanted {
        return Err(RequestOutcome::Nothing);
    }
    Ok(Seen {
        organization: None,
        membership,
        own: None,
        invitation: None,
    })
}
