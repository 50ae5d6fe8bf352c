//! Changing a directory.

use super::{DirectoryAction, event, not_changed, to_change, unchanged};
use crate::domain::{
    Directory, DirectoryId, DirectoryPatch, DirectoryType, EventType, ExpectedVersion, Transition,
};
use crate::store::access;
use crate::store::scim::{set_status, settings_row};
use crate::store::table::Condition;
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
    /// Changes a directory. Requires a tenant admin. `check` can refuse the directory after the change.
    ///
    /// Makes one read, and writes one transaction on the condition that the version is unchanged since the read, and
    /// that the directory is not being deleted. New settings of a directory of type `scim` are recorded for
    /// [`Store::finish_scim_changes`].
    pub async fn update_directory(
        &self,
        cx: &Context,
        id: &DirectoryId,
        patch: &DirectoryPatch,
        expected: &ExpectedVersion,
    ) -> Result<Directory, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        self.until_settled("update_directory", |now| async move {
            let (before, deletion) = self.existing_directory(tenant, id).await?;
            if deletion.deleting.is_some() {
                return Err(Refusal::DirectoryBeingDeleted.into());
            }
            expected.require(before.version)?;
            let applied = patch.apply(&before, now);
            let after = applied.map_err(|(field, reason)| Refusal::Invalid { field, reason })?;
            if after == before {
                return Ok(before);
            }
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::DirectoryUpdated, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            transaction.update(
                DirectoryAction::Directory,
                &keys::directory(tenant, id),
                to_change(&after)?,
                unchanged(&before),
            );
            if after.directory_type == DirectoryType::Scim && after.status != before.status {
                let access = keys::scim_access(id);
                let change = set_status(after.status);
                transaction.update(
                    DirectoryAction::Access,
                    &access,
                    change,
                    Condition::present(),
                );
            }
            if after.directory_type == DirectoryType::Scim && after.settings != before.settings {
                // The linked users follow the new settings without a request of the identity provider.
                let record = settings_row(&after.scope(), &self.clock.new_id().to_string())?;
                transaction.put(DirectoryAction::Pending, record, Condition::none());
            }
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
