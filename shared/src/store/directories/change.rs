//! Changing a directory.

use super::{Action, event, not_changed, require_tenant_admin, to_change, unchanged};
use crate::domain::{
    Directory, DirectoryId, DirectoryPatch, EventType, ExpectedVersion, Transition,
};
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
    /// Changes a directory. Requires a tenant admin. `check` can refuse the directory after the change.
    ///
    /// Makes one read, and writes one transaction on the condition that the version is unchanged since the read, and
    /// that the directory is not being deleted.
    pub async fn update_directory(
        &self,
        cx: &Context,
        id: &DirectoryId,
        patch: &DirectoryPatch,
        expected: &ExpectedVersion,
    ) -> Result<Directory, Error> {
        require_tenant_admin(&cx.caller)?;
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
                Action::Directory,
                &keys::directory(tenant, id),
                to_change(&after)?,
                unchanged(&before),
            );
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
