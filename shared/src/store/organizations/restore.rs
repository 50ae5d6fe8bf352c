//! Restoring a deleted organization.

use super::OrganizationAction;
use super::write::not_changed;
use crate::domain::{
    EventType, ExpectedVersion, Invalid, Name, Organization, OrganizationId, Permission,
};
use crate::store::access::{self, Requirement};
use crate::store::naming::NamedChange;
use crate::store::settle::Unsettled;
use crate::store::table::Transaction;
use crate::store::{
    Context, Error, IdempotentOutcome, Refusal, Store, idempotency, in_version, keys,
};

impl Store {
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
            view.standing(caller, id)?.require(permission)?;
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
}
