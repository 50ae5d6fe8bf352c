//! Deleting an organization.

use super::write::not_changed;
use crate::domain::{EventType, ExpectedVersion, OrganizationId, Permission};
use crate::store::naming::NamedChange;
use crate::store::{Context, Error, Store};

impl Store {
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
            view.standing(caller, id)?.require(permission)?;
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
}
