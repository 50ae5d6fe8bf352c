//! The reads and decisions before a transaction on an invitation by email, and its rejection.

use muster::domain::{Permission, Role, Status};

use super::{live, require_manager, standing};
use crate::recipes::Seen;
use crate::requests::{Request, RequestOutcome};
use crate::table::{Id, Table};
use crate::transaction::{Action, Attempt, Change, Condition, Transaction, grants};

/// The first part of `Store::create_invitation`.
pub(super) fn decide_invite(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
    role: Role,
) -> Result<Seen, RequestOutcome> {
    require_manager(table, caller, organization, Some(role))?;
    match table.invitations[organization][user] {
        None => Ok(Seen::default()),
        Some(open) if open.role == role => Err(RequestOutcome::Nothing),
        Some(_) => Err(RequestOutcome::AlreadyInvited),
    }
}

/// The first part of `Store::resend_invitation` and `revoke_invitation`.
pub(super) fn decide_change_invitation(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
) -> Result<Seen, RequestOutcome> {
    require_manager(table, caller, organization, None)?;
    let seen = open_invitation(table, (organization, user))?;
    let role = seen.invitation.map(|invitation| invitation.role);
    require_manager(table, caller, organization, role)?;
    Ok(seen)
}

pub(super) fn open_invitation(
    table: &Table,
    (organization, user): (Id, Id),
) -> Result<Seen, RequestOutcome> {
    let open = table.invitations[organization][user].ok_or(RequestOutcome::Ended)?;
    Ok(Seen {
        invitation: Some(open),
        ..Seen::default()
    })
}

/// The first part of `Store::accept_email_invitation`.
pub(super) fn decide_accept_by_email(
    table: &Table,
    caller: Id,
    (organization, user): (Id, Id),
) -> Result<Seen, RequestOutcome> {
    live(table, organization)?;
    let seen = open_invitation(table, (organization, user))?;
    let membership = table.membership(organization, caller);
    if membership.is_some_and(|it| it.status == Status::Suspended) {
        return Err(RequestOutcome::InvitationNotValid);
    }
    let own = seen.invitation.filter(|open| open.inviter == caller);
    let may =
        |role| membership.is_some_and(|own| grants(own, Permission::ManageMembers, Some(role)));
    if own.is_some_and(|own| !may(own.role)) {
        return Err(RequestOutcome::InvitationNotValid);
    }
    Ok(Seen { membership, ..seen })
}

/// The store's handling of a rejected transaction.
pub(super) fn refusal(
    table: &Table,
    attempt: Attempt,
    (caller, organization): (Id, Id),
    request: Request,
    transaction: &Transaction,
) -> RequestOutcome {
    let is_caller = |action: &Action| {
        action.change == Change::Nothing
            && matches!(action.conditions[0], Some(Condition::Grants { .. }))
    };
    let is_inviter = |action: &Action| {
        matches!(
            action.conditions[0],
            Some(Condition::InviterGrants(_) | Condition::InviterEnabled)
        )
    };
    let mut unmet = attempt.unmet(table, transaction);
    match request {
        Request::DeclineByEmail { .. } => RequestOutcome::Again,
        _ if live(table, organization).is_err() => RequestOutcome::NotFound,
        Request::AcceptByEmail { .. } if unmet.all(is_inviter) => {
            RequestOutcome::InvitationNotValid
        }
        Request::AcceptByEmail { .. } => RequestOutcome::Again,
        _ if unmet.any(is_caller) => match standing(table, organization, caller) {
            Ok(_) => RequestOutcome::Forbidden,
            Err(outcome) => outcome,
        },
        _ => RequestOutcome::Again,
    }
}
