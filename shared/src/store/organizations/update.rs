//! Changing an organization.

use super::OrganizationAction;
use super::write::{not_changed, write_change};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, Organization, OrganizationId, OrganizationPatch,
    Origin, Permission,
};
use crate::store::naming::{NamedChange, renamed};
use crate::store::{Context, Error, Refusal, Store, WriteOutcome};

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
            view.standing(caller, id)?.require(permission)?;
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
