//! Adding a member.

use super::{MemberAction, Owners};
use crate::domain::{
    Caller, EventDraft, EventType, Membership, Origin, Permission, Role, Status, Timestamp,
    Transition,
};
use crate::store::access::{self, Requirement, standing};
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::rows::members::{change_inviter, change_to, from_row, to_row, unchanged};
use crate::store::rows::{names, users};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction};
use crate::store::{Added, Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

impl Store {
    /// Adds a user to an organization. Requires an owner or admin whose role is not lower than the new
    /// member's.
    ///
    /// Writes one transaction on the condition that the caller has the permission, the organization is live,
    /// the user is known, and no membership exists. If a membership with the same role exists, a second
    /// transaction only stores the result for the idempotency key, on the condition that the membership is
    /// unchanged. If that membership is an open invitation and the user is to be active, the second transaction
    /// activates it with the caller's permission.
    pub async fn add_member(
        &self,
        cx: &Context,
        membership: &Membership,
    ) -> Result<IdempotentOutcome<Added<Membership>>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let Membership {
            tenant_id,
            organization_id,
            user_id,
            role,
            ..
        } = membership;
        let now = membership.created_at;
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: Some(*role),
        };
        let added = Added::New(membership.clone());
        let added = &added;
        self.until_settled("add_member", |_| async move {
            if caller.user_id == *user_id && !caller.tenant_admin {
                let already = self.add_self(caller, membership, record);
                if let Some(done) = already.await? {
                    return Ok(done);
                }
                return Err(Unsettled::Overtaken);
            }
            let event = event_of(membership);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            access::require(
                &mut transaction,
                MemberAction::Caller,
                caller,
                organization_id,
                requirement,
                now,
            );
            let owners = Owners::between(None, Some(membership));
            super::hold_organization(&mut transaction, tenant_id, organization_id, owners);
            let user = keys::user(tenant_id, user_id);
            transaction.check(MemberAction::User, &user, users::is_known());
            let row = to_row(membership)?;
            transaction.put(MemberAction::Membership, row, Condition::absent());
            if let Some(record) = record {
                record.write(&mut transaction, MemberAction::Record, added)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(added.clone()));
            };
            if let Some(record) = record
                && let Some(first) = record.replay(&unmet, &MemberAction::Record)?
            {
                return Ok(first);
            }
            // Checked first: a deleted organization is not found for any caller.
            if unmet.of(&MemberAction::Organization).is_some() {
                return Err(Refusal::NotFound.into());
            }
            if let Some(refusal) = access::refusal(&unmet, &MemberAction::Caller) {
                return Err(refusal.into());
            }
            let Some(Some(item)) = unmet.of(&MemberAction::Membership) else {
                return Err(match unmet.of(&MemberAction::User) {
                    Some(_) => Refusal::UnknownUser.into(),
                    None => table::Error::Conflict("add_member").into(),
                });
            };
            let stored = from_row(item)?;
            if let Some(after) = invited_again(&stored, membership, caller) {
                let name = names::display_name(item);
                let origin = cx.origin.clone().naming(user_id, name);
                let changed = self.change_invitation(cx, &origin, requirement, &stored, after, now);
                if let Some(done) = changed.await? {
                    return Ok(done);
                }
                return Err(Unsettled::Overtaken);
            }
            let permitted = |transaction: &mut Transaction<'_, MemberAction>| {
                access::require(
                    transaction,
                    MemberAction::Caller,
                    caller,
                    organization_id,
                    requirement,
                    now,
                );
            };
            let already = self.already(stored, *role, permitted, record);
            if let Some(done) = already.await? {
                return Ok(done);
            }
            Err(Unsettled::Overtaken)
        })
        .await
    }

    /// Changes an open invitation if it is unchanged since it was read. Returns `None` if it has changed.
    async fn change_invitation(
        &self,
        cx: &Context,
        origin: &Origin,
        requirement: Requirement,
        before: &Membership,
        after: Membership,
        now: Timestamp,
    ) -> Result<Option<IdempotentOutcome<Added<Membership>>>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        let (tenant, organization) = (&before.tenant_id, &before.organization_id);
        let event_type = match after.status {
            Status::Invited => EventType::MembershipInvited,
            Status::Active | Status::Suspended => EventType::MembershipAdded,
        };
        let changed = Transition::Changed(before, &after);
        let event = EventDraft::membership(event_type, changed, None);
        let mut transaction = self.transaction(origin, [event])?;
        access::require(
            &mut transaction,
            MemberAction::Caller,
            &cx.caller,
            organization,
            requirement,
            now,
        );
        let owners = Owners::between(Some(before), Some(&after));
        super::hold_organization(&mut transaction, tenant, organization, owners);
        let key = keys::membership(tenant, &before.user_id, organization);
        let mut change = change_to(&after);
        if after.status == Status::Invited {
            change = change_inviter(change, &after);
        }
        let condition = unchanged(before);
        transaction.update(MemberAction::Membership, &key, change, condition);
        let added = Added::Already(after);
        if let Some(record) = record {
            record.write(&mut transaction, MemberAction::Record, &added)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Some(IdempotentOutcome::Fresh(added)));
        };
        if let Some(record) = record
            && let Some(first) = record.replay(&unmet, &MemberAction::Record)?
        {
            return Ok(Some(first));
        }
        if unmet.of(&MemberAction::Organization).is_some() {
            return Err(Refusal::NotFound.into());
        }
        if let Some(refusal) = access::refusal(&unmet, &MemberAction::Caller) {
            return Err(refusal.into());
        }
        Ok(None)
    }

    /// Handles a caller who adds themselves. A caller who may add members is already a member, so only the role
    /// remains to be checked.
    async fn add_self(
        &self,
        caller: &Caller,
        membership: &Membership,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<IdempotentOutcome<Added<Membership>>>, Error> {
        let id = &membership.organization_id;
        let keys: Vec<_> = record.iter().map(|record| record.key()).collect();
        let view = self.view(caller, id, &keys).await?;
        if let Some(first) = idempotency::found(record, &view)? {
            return Ok(Some(first));
        }
        view.organization(caller, id, membership.created_at)?;
        let own = view
            .membership(&access::own_key(caller, id))?
            .ok_or(Refusal::NotFound)?;
        let standing = standing(caller, Some(&own))?;
        standing.require(Permission::ManageMembers)?;
        if !standing.reaches(membership.role) {
            return Err(Refusal::Forbidden.into());
        }
        // The caller's unchanged membership already grants the permission.
        let permitted = |transaction: &mut Transaction<'_, MemberAction>| {
            access::require_enabled(transaction, caller);
        };
        self.already(own, membership.role, permitted, record).await
    }

    /// Returns the result for an existing membership, as [`idempotency::unchanged`] returns it.
    async fn already(
        &self,
        stored: Membership,
        role: Role,
        permitted: impl FnOnce(&mut Transaction<'_, MemberAction>),
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<IdempotentOutcome<Added<Membership>>>, Error> {
        if let Some(refusal) = refused_already(&stored, role) {
            return Err(refusal.into());
        }
        let before = stored.clone();
        let hold = |transaction: &mut Transaction<'_, MemberAction>| {
            permitted(transaction);
            let (tenant, organization) = (&before.tenant_id, &before.organization_id);
            super::hold_organization(transaction, tenant, organization, Owners::AsMany);
            let key = keys::membership(tenant, &before.user_id, organization);
            transaction.check(MemberAction::Membership, &key, unchanged(&before));
        };
        idempotency::unchanged(
            self,
            record,
            MemberAction::Record,
            hold,
            Added::Already(stored),
        )
        .await
    }
}

/// Returns the event of adding a member.
pub(super) fn event_of(membership: &Membership) -> EventDraft {
    let event_type = match membership.status {
        Status::Invited => EventType::MembershipInvited,
        Status::Active | Status::Suspended => EventType::MembershipAdded,
    };
    EventDraft::membership(event_type, Transition::Created(membership), None)
}

/// Returns why a user with this membership cannot be added with the role; `None` if they have it already.
pub(super) fn refused_already(stored: &Membership, role: Role) -> Option<Refusal> {
    if stored.status == Status::Suspended {
        return Some(Refusal::AlreadySuspended);
    }
    (stored.role != role).then_some(Refusal::AlreadyMember)
}

/// Returns what an open invitation becomes when its user is added again with the same role, or with any role after it
/// has expired: active if that is requested; otherwise the caller's invitation, because its previous inviter may no
/// longer be able to grant the role. `None` if nothing changes.
pub(super) fn invited_again(
    stored: &Membership,
    asked: &Membership,
    caller: &Caller,
) -> Option<Membership> {
    let now = asked.created_at;
    let is_expired = stored.is_expired(now);
    if stored.status != Status::Invited || (stored.role != asked.role && !is_expired) {
        return None;
    }
    if asked.status == Status::Active {
        let role = asked.role;
        return Some(Membership {
            role,
            ..stored.activated(now)
        });
    }
    let is_same_inviter = stored.clone().invited_by(caller) == *stored;
    (is_expired || !is_same_inviter).then(|| stored.invited_again(asked.role, caller, now))
}
