//! Changing, deleting and restoring an organization.

use super::{CHANGEABLE, OrganizationAction};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, Invalid, Name, Organization, OrganizationId,
    OrganizationPatch, Origin, Permission, Timestamp,
};
use crate::store::access::{self, Requirement, standing};
use crate::store::naming::{NamedChange, renamed};
use crate::store::rows::organizations::{SYNCED_NAME, to_row};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, Unmet, text};
use crate::store::{
    Context, Error, IdempotentOutcome, Refusal, Store, WriteOutcome, idempotency, in_version, keys,
};

impl Store {
    /// Changes an organization. Requires an owner or admin; billing fields require an owner.
    ///
    /// Makes one read, and writes one transaction on the condition that the version is unchanged since the
    /// read, the caller has the permission, and a new name is free.
    pub async fn update_organization(
        &self,
        cx: &Context,
        id: &OrganizationId,
        patch: &OrganizationPatch,
        expected: &ExpectedVersion,
    ) -> Result<Organization, Error> {
        let caller = &cx.caller;
        let permission = if patch.changes_billing() {
            Permission::UpdateBilling
        } else {
            Permission::UpdateOrganization
        };
        self.until_settled("update_organization", |now| async move {
            let view = self.view(caller, id, &[]).await?;
            let before = view.organization(caller, id, now)?;
            let reserved = view.reserved_name(&before);
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            expected.require(before.version)?;
            let after = patch
                .apply(&before, now)
                .map_err(|reason| Refusal::Invalid {
                    field: "/metadata",
                    reason,
                })?;
            if after == before {
                return Ok(before);
            }
            let event = EventType::OrganizationUpdated;
            let change = NamedChange {
                before: &before,
                reserved: &reserved,
                after: &after,
            };
            let transaction = self.change(cx, event, change, permission, now)?;
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Deletes an organization. It is hidden at once, its name becomes free, and it can be restored for
    /// [`RETENTION`](crate::domain::RETENTION). Requires an owner.
    pub async fn delete_organization(
        &self,
        cx: &Context,
        id: &OrganizationId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        let permission = Permission::DeleteOrganization;
        self.until_settled("delete_organization", |now| async move {
            let view = self.view(caller, id, &[]).await?;
            let before = view.organization(caller, id, now)?;
            let reserved = view.reserved_name(&before);
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            expected.require(before.version)?;
            let after = before.deleted(now);
            let event = EventType::OrganizationDeleted;
            let change = NamedChange {
                before: &before,
                reserved: &reserved,
                after: &after,
            };
            let transaction = self.change(cx, event, change, permission, now)?;
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Restores a deleted organization under `name`, or with its own name. Leaves an organization that is not deleted
    /// unchanged, and refuses to give it another name.
    /// Requires a tenant admin or a member with the role owner.
    pub async fn restore_organization(
        &self,
        cx: &Context,
        id: &OrganizationId,
        name: Option<&Name>,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<Organization>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let permission = Permission::RestoreOrganization;
        self.until_settled("restore_organization", |now| async move {
            let keys: Vec<_> = record.iter().map(|record| record.key()).collect();
            let view = self.view(caller, id, &keys).await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let before = view.any_organization(caller, id, now)?;
            let reserved = view.reserved_name(&before);
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            expected.require(before.version)?;
            if before.is_live() && name.is_some_and(|name| *name != before.name) {
                return Err(Refusal::Invalid {
                    field: "/name",
                    reason: Invalid::new(
                        "must be left out, because the organization is not deleted: change its name with PATCH",
                    ),
                }
                .into());
            }
            if before.is_live() {
                let hold = |transaction: &mut Transaction<'_, OrganizationAction>| {
                    let requirement = Requirement {
                        permission,
                        reach: None,
                    };
                    access::require(transaction, OrganizationAction::Caller, caller, id, requirement, now);
                    let key = keys::organization(&before.tenant_id, id);
                    transaction.check(OrganizationAction::Organization, &key, in_version(before.version));
                };
                let value = before.clone();
                let done = idempotency::unchanged(self, record, OrganizationAction::Record, hold, value).await?;
                if let Some(done) = done {
                    return Ok(done);
                }
                return Err(Unsettled::Overtaken);
            }
            let after = Organization {
                name: name.unwrap_or(&before.name).clone(),
                ..before.restored(now)
            };
            let event = EventType::OrganizationRestored;
            let change = NamedChange {
                before: &before,
                reserved: &reserved,
                after: &after,
            };
            let mut transaction = self.change(cx, event, change, permission, now)?;
            if let Some(record) = record {
                record.write(&mut transaction, OrganizationAction::Record, &after)?;
            }
            match transaction.commit().await? {
                Ok(()) => Ok(IdempotentOutcome::Fresh(after)),
                // The next attempt finds the record.
                Err(unmet) if unmet.of(&OrganizationAction::Record).is_some() => Err(Unsettled::Overtaken),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Returns the transaction that changes `before` to `after`, including name reservations.
    fn change(
        &self,
        cx: &Context,
        event: EventType,
        change: NamedChange<'_, Organization>,
        permission: Permission,
        now: Timestamp,
    ) -> Result<Transaction<'_, OrganizationAction>, Error> {
        let event = EventDraft::organization(event, change.transition());
        let mut transaction = self.transaction(&cx.origin, [event])?;
        let requirement = Requirement {
            permission,
            reach: None,
        };
        access::require(
            &mut transaction,
            OrganizationAction::Caller,
            &cx.caller,
            &change.before.id,
            requirement,
            now,
        );

        write_change(&mut transaction, change, None)?;
        Ok(transaction)
    }

    /// Renames an organization that the login sync created, if it is unchanged since it was read.
    pub(in crate::store) async fn rename_synced_organization(
        &self,
        origin: &Origin,
        change: NamedChange<'_, Organization>,
    ) -> Result<WriteOutcome, Error> {
        let event = EventType::OrganizationUpdated;
        let event = EventDraft::organization(event, change.transition());
        let event = event.because_of(&change.before.id);
        let mut transaction = self.transaction(origin, [event])?;
        write_change(&mut transaction, change, Some(&change.after.name))?;
        Ok(renamed(
            transaction.commit().await?,
            &OrganizationAction::Organization,
        ))
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<OrganizationAction>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &OrganizationAction::Caller) {
        return refusal.into();
    }
    match unmet.of(&OrganizationAction::Organization) {
        Some(None) => return Refusal::NotFound.into(),
        // Changed or deleted. The next read finds out which.
        Some(Some(_)) => return Unsettled::Overtaken,
        None => {}
    }
    if unmet.of(&OrganizationAction::NewName).is_some() {
        return Refusal::NameTaken.into();
    }
    Unsettled::Overtaken
}

fn write_change(
    transaction: &mut Transaction<'_, OrganizationAction>,
    NamedChange {
        before,
        reserved,
        after,
    }: NamedChange<'_, Organization>,
    synced_name: Option<&Name>,
) -> Result<(), Error> {
    let mut item = to_row(after)?;
    let held = before.is_live().then(|| reserved.clone());
    let keeps_name = before.name == after.name && after.is_live();
    if let (Some(held), true) = (&held, keeps_name) {
        // The sort keys in the indexes use the same form of the name as the reservation.
        let place = text(keys::by_name(held, &after.id));
        for attribute in ["gsi1sk", "gsi2sk"] {
            item.entry(attribute.to_owned())
                .and_modify(|it| place.clone_into(it));
        }
    }
    let mut change = ItemChange::taking(&CHANGEABLE, &item);
    if let Some(name) = synced_name {
        change = change.set(SYNCED_NAME, text(name.as_str()));
    }
    let key = keys::organization(&before.tenant_id, &before.id);
    let unchanged = in_version(before.version);
    transaction.update(OrganizationAction::Organization, &key, change, unchanged);

    let wanted = after.is_live().then(|| after.name.folded());
    if held == wanted || (held.is_some() && keeps_name) {
        return Ok(());
    }
    if let Some(name) = held {
        let own = Condition::new("attribute_not_exists(#pk) OR #organization_id = :id")
            .value(":id", text(before.id.as_str()));
        let key = keys::name_reservation(&before.tenant_id, &name);
        transaction.delete(OrganizationAction::OldName, &key, own);
    }
    if wanted.is_some() {
        super::reserve_name(transaction, OrganizationAction::NewName, after)?;
    }
    Ok(())
}
