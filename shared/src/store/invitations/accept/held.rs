//! The conditions of the transaction that accepts an invitation, on the items that were read.

use super::InvitationAcceptAction;
use crate::domain::{Caller, Membership, Permission, Status, Timestamp, User};
use crate::store::access::{self, RightToInvite};
use crate::store::invitations::found::FoundInvitation;
use crate::store::rows::members::JOINED_TEAMS;
use crate::store::rows::{members, names, users};
use crate::store::table::{Condition, ItemChange, Transaction, number, text};
use crate::store::{Error, Refusal, keys};

/// Makes the transaction conditional on the inviter still being allowed to grant the role.
pub(super) fn hold_inviter(
    transaction: &mut Transaction<'_, InvitationAcceptAction>,
    found: &FoundInvitation,
    caller: &Caller,
) -> Result<(), Refusal> {
    let invitation = &found.invitation;
    let right = RightToInvite {
        tenant: &invitation.tenant_id,
        organization: &invitation.organization_id,
        inviter: &invitation.invited_by_user_id,
        role: invitation.role,
        from_token: invitation.invited_by_tenant_admin,
    };
    if *right.inviter != caller.user_id {
        for (key, condition) in right.conditions() {
            transaction.check(InvitationAcceptAction::Inviter, &key, condition);
        }
        return Ok(());
    }
    // The transaction holds the caller's own profile already, and pins their own membership as it was read.
    let may = right.from_token
        || found.membership.as_ref().is_some_and(|own| {
            own.status == Status::Active
                && own.role.grants(Permission::ManageMembers)
                && own.role.reaches(right.role)
        });
    if may {
        Ok(())
    } else {
        Err(Refusal::InvitationNotValid)
    }
}

/// Makes the transaction conditional on the caller not being disabled. A caller who is not known yet becomes known.
pub(super) fn hold_user(
    transaction: &mut Transaction<'_, InvitationAcceptAction>,
    new_user: Option<&User>,
    caller: &Caller,
) {
    if let Some(user) = new_user {
        let key = keys::user(&user.tenant_id, &user.user_id);
        let profile = users::new_profile(user);
        transaction.update(
            InvitationAcceptAction::User,
            &key,
            profile,
            Condition::absent(),
        );
    } else {
        access::require_enabled(transaction, caller);
    }
}

/// Puts or activates the membership, on the condition that it is as it was read.
pub(super) fn put_membership(
    transaction: &mut Transaction<'_, InvitationAcceptAction>,
    found: &FoundInvitation,
    after: &Membership,
    teams: i32,
    now: Timestamp,
) -> Result<(), Error> {
    let key = keys::membership(&after.tenant_id, &after.user_id, &after.organization_id);
    let Some(stored) = &found.membership else {
        let mut item = members::to_row(after)?;
        if let Some(profile) = &found.profile {
            names::add_copy(&mut item, profile, &after.organization_id);
        }
        if teams > 0 {
            item.insert(JOINED_TEAMS.to_owned(), number(teams));
        }
        transaction.put(
            InvitationAcceptAction::Membership,
            item,
            Condition::absent(),
        );
        return Ok(());
    };
    let as_read = members::unchanged(stored);
    if stored.status == Status::Active {
        let mut seen = ItemChange::new().set("last_active_at", text(now.to_string()));
        if teams > 0 {
            seen = seen.add(JOINED_TEAMS, teams);
        }
        transaction.touch(InvitationAcceptAction::Membership, &key, seen, as_read);
    } else {
        let change = members::change_inviter(members::change_to(after), after);
        let mut change = change.set("last_active_at", text(now.to_string()));
        if teams > 0 {
            change = change.add(JOINED_TEAMS, teams);
        }
        transaction.update(InvitationAcceptAction::Membership, &key, change, as_read);
    }
    Ok(())
}
