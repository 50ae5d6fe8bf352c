//! Accepting an invitation.

use super::{MemberAction, Owners};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, MemberKey, Membership, Status, Timestamp, Transition,
};
use crate::store::access::{self, RightToInvite};
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::keys::Key;
use crate::store::rows::members::{change_to, unchanged};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction, text};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store};

impl Store {
    /// Activates the caller's open invitation. Leaves an active membership unchanged.
    ///
    /// Makes one read, and writes one transaction on the condition that the invitation is still open, has not
    /// expired, its inviter may still grant its role, and the organization is live. For an active membership, a transaction
    /// only stores the result for the idempotency key, on the condition that the membership is unchanged since
    /// it was read.
    pub async fn accept_invitation(
        &self,
        cx: &Context,
        MemberKey { organization, user }: MemberKey<'_>,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<Membership>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let key = access::own_key(caller, organization);
        let key = &key;
        self.until_settled("accept_invitation", |now| async move {
            let mut more = vec![key];
            more.extend(record.map(IdempotencyRecord::key));
            let view = self.view(caller, organization, &more).await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let organization_name = view.organization(caller, organization, now)?.name;
            if caller.user_id != *user {
                // An invitation can only be accepted by the invited user.
                view.standing(caller, organization)?;
                return Err(Refusal::Forbidden.into());
            }
            let before = view.membership(key)?.ok_or(Refusal::NotFound)?;
            expected.require(before.version)?;
            match before.status {
                Status::Active => {
                    let hold = |transaction: &mut Transaction<'_, MemberAction>| {
                        transaction.check(MemberAction::Membership, key, unchanged(&before));
                        access::require_enabled(transaction, caller);
                        let tenant = &caller.tenant_id;
                        super::hold_organization(transaction, tenant, organization, Owners::AsMany);
                    };
                    let value = before.clone();
                    let done =
                        idempotency::unchanged(self, record, MemberAction::Record, hold, value)
                            .await?;
                    if let Some(done) = done {
                        return Ok(done);
                    }
                    return Err(Unsettled::Overtaken);
                }
                Status::Suspended => return Err(Refusal::InvitationNotPending.into()),
                Status::Invited => {}
            }
            let after = Membership {
                last_active_at: Some(now),
                ..before.activated(now)
            };
            let event = EventDraft::membership(
                EventType::MembershipAccepted,
                Transition::Changed(&before, &after),
                Some(&organization_name),
            );
            let name = view.name_of(caller, user, Some(organization));
            let origin = cx.origin.clone().naming(user, name);
            let mut transaction = self.transaction(&origin, [event])?;
            let change = change_to(&after).set("last_active_at", text(now.to_string()));
            hold_inviter(&mut transaction, &before, now)?;
            access::require_enabled(&mut transaction, caller);
            let condition = unchanged(&before);
            transaction.update(MemberAction::Membership, key, change, condition);
            let owners = Owners::between(Some(&before), Some(&after));
            super::hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            if let Some(record) = record {
                record.write(&mut transaction, MemberAction::Record, &after)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(after));
            };
            if unmet.only(&[MemberAction::Inviter]) {
                return Err(Refusal::InvitationNotValid.into());
            }
            // Already answered, changed or deleted. The next read finds out which.
            Err(Unsettled::Overtaken)
        })
        .await
    }
}

/// Returns the conditions under which an open invitation is valid, with the keys of their items: its inviter may still
/// grant its role.
/// Returns `InvitationExpired` or, for an invitation without an inviter, `InvitationNotValid`.
pub(in crate::store) fn inviter_of(
    invitation: &Membership,
    now: Timestamp,
) -> Result<Vec<(Key, Condition)>, Refusal> {
    if invitation.is_expired(now) {
        return Err(Refusal::InvitationExpired);
    }
    let inviter = invitation.invited_by_user_id.as_ref();
    match inviter.filter(|inviter| **inviter != invitation.user_id) {
        Some(inviter) => Ok(RightToInvite {
            tenant: &invitation.tenant_id,
            organization: &invitation.organization_id,
            inviter,
            role: invitation.role,
            from_token: invitation.invited_by_tenant_admin,
        }
        .conditions()),
        // A transaction that accepts it holds the user's own profile already.
        None if invitation.invited_by_tenant_admin => Ok(Vec::new()),
        // Invited users cannot invite themselves.
        None => Err(Refusal::InvitationNotValid),
    }
}

/// Makes the transaction conditional on the inviter of an open invitation still being allowed to grant its
/// role.
fn hold_inviter(
    transaction: &mut Transaction<'_, MemberAction>,
    invitation: &Membership,
    now: Timestamp,
) -> Result<(), Error> {
    for (key, may) in inviter_of(invitation, now)? {
        transaction.check(MemberAction::Inviter, &key, may);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::samples::{membership, now, user};

    #[test]
    fn only_tenant_admins_invite_without_an_inviter() {
        for inviter in [None, Some(user("ada"))] {
            for is_admin in [true, false] {
                let invitation = Membership {
                    invited_by_user_id: inviter.clone(),
                    invited_by_tenant_admin: is_admin,
                    expires_at: None,
                    ..membership("ada", Role::Member, Status::Invited)
                };
                let held = inviter_of(&invitation, now());
                assert_eq!(held.is_ok(), is_admin, "{inviter:?}");
            }
        }
    }
}
