//! Transferring the ownership of an organization.

use crate::domain::{
    EventDraft, EventType, ExpectedVersion, Invalid, Membership, Organization, OrganizationId,
    Permission, Role, Status, Transition, UserId,
};
use crate::store::access::{self, standing};
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::members::MemberAction;
use crate::store::rows::members::{change_to, unchanged};
use crate::store::rows::organizations;
use crate::store::settle::Unsettled;
use crate::store::table::{ItemChange, Transaction, text};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, in_version, keys};

impl Store {
    /// Makes an active member an owner, and lowers the caller's role to `keep_role`. Requires an owner or a tenant
    /// admin. A tenant admin who is not an active owner has no role to give up; only the new owner's role changes.
    ///
    /// Makes one read, and writes one transaction on the condition that both memberships and the organization are
    /// in the versions read. The caller's permission is part of their membership. If the new owner is an owner
    /// already, only the caller's role changes.
    pub async fn transfer_ownership(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        new_owner: &UserId,
        keep_role: Role,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<Organization>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let own_key = access::own_key(caller, organization);
        let key = keys::membership(&caller.tenant_id, new_owner, organization);
        let user_key = keys::user(&caller.tenant_id, new_owner);
        let (own_key, key, user_key) = (&own_key, &key, &user_key);
        self.until_settled("transfer_ownership", |now| async move {
            let mut more = vec![key, user_key];
            // A view does not read the membership of a tenant admin.
            more.extend(caller.tenant_admin.then_some(own_key));
            more.extend(record.map(IdempotencyRecord::key));
            let view = self.view(caller, organization, &more).await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let found = view.organization(caller, organization, now)?;
            let own = view.membership(own_key)?;
            standing(caller, own.as_ref())?.require(Permission::TransferOwnership)?;
            expected.require(found.version)?;
            if caller.user_id == *new_owner {
                return Err(Refusal::Invalid {
                    field: "/user_id",
                    reason: Invalid::new("must be another member: the caller steps down"),
                }
                .into());
            }
            let before = match view.membership(key)? {
                Some(member) if member.status == Status::Active => member,
                Some(member) => return Err(Refusal::NotAnActiveMember(Some(member.status)).into()),
                None if view.item(user_key).is_none() => return Err(Refusal::UnknownUser.into()),
                None => return Err(Refusal::NotAnActiveMember(None).into()),
            };
            let with_role = |before: &Membership, role| Membership {
                role,
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            let stepping_down = own.filter(Membership::is_active_owner);
            let lowered = stepping_down
                .as_ref()
                .map(|before| (before, with_role(before, keep_role)));
            let is_owner = before.role == Role::Owner;
            let raised = (!is_owner).then(|| with_role(&before, Role::Owner));
            if lowered.is_none() && raised.is_none() {
                let hold = |transaction: &mut Transaction<'_, MemberAction>| {
                    access::require_enabled(transaction, caller);
                    transaction.check(MemberAction::Membership, key, unchanged(&before));
                    hold_version(transaction, &found, 0);
                };
                let value = found.clone();
                let done =
                    idempotency::unchanged(self, record, MemberAction::Record, hold, value).await?;
                return done.ok_or(Unsettled::Overtaken);
            }

            let previous = stepping_down.as_ref().map(|own| &own.user_id);
            let mut events = vec![EventDraft::ownership_transferred(
                &found, previous, new_owner,
            )];
            let role_changed = |before: &Membership, after: &Membership| {
                let changed = Transition::Changed(before, after);
                EventDraft::membership(EventType::MembershipRoleChanged, changed, Some(&found.name))
            };
            events.extend(lowered.iter().map(|(from, to)| role_changed(from, to)));
            events.extend(raised.iter().map(|after| role_changed(&before, after)));
            let mut origin = cx.origin.clone();
            for user in previous.into_iter().chain([new_owner]) {
                let name = view.name_of(caller, user, Some(organization));
                origin = origin.naming(user, name);
            }
            let mut transaction = self.transaction(&origin, events)?;
            access::require_enabled(&mut transaction, caller);
            if let Some((from, to)) = &lowered {
                // Stands for the check of the permission: the caller is still an active owner.
                let change = change_to(to).set("last_active_at", text(now.to_string()));
                transaction.update(MemberAction::Caller, own_key, change, unchanged(from));
            }
            match &raised {
                Some(after) => {
                    let change = change_to(after);
                    transaction.update(MemberAction::Membership, key, change, unchanged(&before));
                }
                None => transaction.check(MemberAction::Membership, key, unchanged(&before)),
            }
            let more_owners = i32::from(raised.is_some()) - i32::from(lowered.is_some());
            hold_version(&mut transaction, &found, more_owners);
            if let Some(record) = record {
                record.write(&mut transaction, MemberAction::Record, &found)?;
            }
            match transaction.commit().await? {
                Ok(()) => Ok(IdempotentOutcome::Fresh(found)),
                // A role or the organization has changed, or another request with the same key was first. The next
                // read finds out which.
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }
}

/// Makes the transaction conditional on the organization being live and in the version read, and updates the count
/// of its active owners. The new owner is one of them, so at least one remains.
fn hold_version(
    transaction: &mut Transaction<'_, MemberAction>,
    found: &Organization,
    more_owners: i32,
) {
    let key = keys::organization(&found.tenant_id, &found.id);
    let unchanged = organizations::live().and(in_version(found.version));
    if more_owners == 0 {
        transaction.check(MemberAction::Organization, &key, unchanged);
    } else {
        let change = ItemChange::new().add("owner_count", more_owners);
        transaction.touch(MemberAction::Organization, &key, change, unchanged);
    }
}
