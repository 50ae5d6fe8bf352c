//! Replacing the token of a directory of type `scim`.

use super::{DirectoryAction, DirectoryWithToken, event, not_changed, to_change, unchanged};
use crate::domain::{
    DirectoryId, DirectoryType, EventType, ExpectedVersion, ScimToken, Transition,
};
use crate::store::access;
use crate::store::scim::rotate;
use crate::store::table::Condition;
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, keys};

impl Store {
    /// Replaces the token of a directory of type `scim`. The previous one works too for 24 hours, or until the next
    /// rotation. Requires a tenant admin. Returns [`Refusal::NotFound`] if the directory has no token.
    ///
    /// Makes one read, and writes one transaction on the condition that the version is unchanged since the read, and
    /// that the directory is not being deleted. Does not read the token: the table copies its hash.
    pub async fn rotate_directory_token(
        &self,
        cx: &Context,
        id: &DirectoryId,
        token: &ScimToken,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<DirectoryWithToken>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let record = cx.record_of_secret();
        let record = record.as_ref();
        self.until_settled("rotate_directory_token", |now| async move {
            // Before the precondition: the first request has changed the version.
            if let Some(first) = self.first_result(record).await? {
                return Ok(first);
            }
            let (before, deletion) = self.existing_directory(tenant, id).await?;
            if before.directory_type != DirectoryType::Scim {
                return Err(Refusal::NotFound.into());
            }
            if deletion.deleting.is_some() {
                return Err(Refusal::DirectoryBeingDeleted.into());
            }
            expected.require(before.version)?;
            let rotated = DirectoryWithToken {
                directory: before.clone().touched(before.version, now),
                token: Some(token.clone()),
            };
            let after = &rotated.directory;
            let changed = Transition::Changed(&before, after);
            let event = event(EventType::DirectoryUpdated, changed).with_hidden_change("token");
            let mut transaction = self.transaction(&cx.origin, [event])?;
            transaction.update(
                DirectoryAction::Directory,
                &keys::directory(tenant, id),
                to_change(after)?,
                unchanged(&before),
            );
            transaction.update(
                DirectoryAction::Access,
                &keys::scim_access(id),
                rotate(token.hash(), now),
                Condition::present(),
            );
            if let Some(record) = record {
                record.write(&mut transaction, DirectoryAction::Record, &rotated)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(rotated));
            };
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &DirectoryAction::Record)?
            {
                return Ok(outcome);
            }
            Err(not_changed(&unmet))
        })
        .await
    }
}
