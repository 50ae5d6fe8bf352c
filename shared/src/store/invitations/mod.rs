//! The operations on invitations by email.
//!
//! An invitation has two items. Its own lies in the partition of the organization's invitations. While it is pending,
//! the address also has an item of its own in the organization, which names the invitation: a conditional write on it
//! makes sure that an address has one pending invitation in an organization. Every write that ends an invitation deletes
//! that item in the same transaction ([`end`]). An item of an invitation that has expired does not block a new one.
//!
//! The invitations of an address in all organizations are in [`GSI1`], under [`keys::invitations_of`], until they are
//! deleted: its user finds them there, and erasing the user removes the address from them.

mod accept;
mod address;
mod answering;
mod changeable;
mod create;
mod create_many;
mod decline;
mod erase;
mod found;
mod mail;
mod of_user;
mod preview;
mod read;
mod resend;
mod revoke;

pub use answering::{Answering, ByToken};

pub use mail::{MailClaim, MailLease};
pub use of_user::UserInvitation;
pub use preview::InvitationPreview;

use crate::domain::{
    Email, EventDraft, EventType, Invitation, Membership, Target, TargetType, TenantId, Timestamp,
    Transition,
};
use crate::store::keys::{self, GSI1};
use crate::store::rows::invitations::{key_of, names, not_invited, to_change, unchanged};
use crate::store::table::{self, Item, Query, Transaction};

/// Labels of the actions in transactions on an invitation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum InvitationAction {
    Caller,
    Organization,
    Invitation,
    Invitee,
    Team,
    Record,
}

/// Labels of the actions that end an invitation.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct InvitationLabels<L> {
    /// The item of the invitation.
    pub(in crate::store) invitation: L,
    /// The item of its address.
    pub(in crate::store) invitee: L,
}

/// The labels in transactions on an invitation.
const LABELS: InvitationLabels<InvitationAction> = InvitationLabels {
    invitation: InvitationAction::Invitation,
    invitee: InvitationAction::Invitee,
};

/// A change after which an invitation is not open: it is revoked or answered, or loses its address.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct EndedInvitation<'a> {
    /// As it was read.
    pub(in crate::store) before: &'a Invitation,
    /// As it is written.
    pub(in crate::store) after: &'a Invitation,
}

/// Returns the query of the invitations of an address in the index whose sort keys begin with `start`, after `after`.
pub(in crate::store) fn index_query(
    tenant: &TenantId,
    email: &Email,
    start: &str,
    after: Option<Item>,
    limit: usize,
) -> Query<'static> {
    let partition = keys::invitations_of(tenant, email);
    Query::in_partition(Some(GSI1), partition, start)
        .after(after)
        .limit(limit)
}

/// Adds such a change of an invitation to the transaction, on the condition that it is unchanged since it was read.
///
/// If it is open, the item of its address names it, and is deleted. If it has expired, that item may name a later
/// invitation by now, and stays: it blocks nothing.
pub(in crate::store) fn end<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    labels: InvitationLabels<L>,
    EndedInvitation { before, after }: EndedInvitation<'_>,
    now: Timestamp,
) -> Result<(), table::Error> {
    let condition = unchanged(before);
    transaction.update(
        labels.invitation,
        &key_of(before),
        to_change(after)?,
        condition,
    );
    if let Some(email) = before.email.as_ref().filter(|_| before.is_open(now)) {
        let key = keys::invitee(&before.tenant_id, &before.organization_id, email);
        transaction.delete(labels.invitee, &key, names(&before.id));
    }
    Ok(())
}

/// Makes sure that an address has no open invitation into an organization after the transaction: ends the one that was
/// found, or adds the condition that there is none.
pub(in crate::store) fn leave_none<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    labels: InvitationLabels<L>,
    membership: &Membership,
    address: &Email,
    ended: Option<EndedInvitation<'_>>,
    now: Timestamp,
) -> Result<(), table::Error> {
    if let Some(ended) = ended {
        return end(transaction, labels, ended, now);
    }
    let (tenant, organization) = (&membership.tenant_id, &membership.organization_id);
    let key = keys::invitee(tenant, organization, address);
    transaction.check(labels.invitee, &key, not_invited(now));
    Ok(())
}

/// Returns the event of a change of an invitation. The address is not part of it.
pub(in crate::store) fn event(
    event_type: EventType,
    transition: Transition<'_, Invitation>,
) -> EventDraft {
    let one = transition.resource();
    let target = Target::new(TargetType::Invitation, one.id.as_str(), None);
    EventDraft::other(
        event_type,
        &one.tenant_id,
        Some(&one.organization_id),
        target,
        transition,
        one.version,
    )
    .with_targets([Target::organization(&one.organization_id, None)])
}

#[cfg(test)]
mod tests;
