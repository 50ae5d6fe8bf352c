//! Revoking an invitation.

use super::changeable::{changeable, not_changed};
use super::create::hold;
use super::{EndedInvitation, LABELS, end, event};
use crate::domain::{EventType, ExpectedVersion, InvitationKey, InvitationStatus, Transition};
use crate::store::{Context, Error, Refusal, Store};

impl Store {
    /// Revokes an invitation. Requires an owner or admin whose role is not lower than the invited one. Succeeds if it is
    /// revoked or was declined. Refuses one that was accepted: its membership stays as it is.
    pub async fn revoke_invitation(
        &self,
        cx: &Context,
        key: InvitationKey<'_>,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        self.until_settled("revoke_invitation", |now| async move {
            let view = self.view_invitation(cx, key, None).await?;
            let before = changeable(cx, &view, key)?;
            match before.status {
                InvitationStatus::Revoked | InvitationStatus::Declined => return Ok(()),
                InvitationStatus::Accepted => return Err(Refusal::InvitationEnded.into()),
                InvitationStatus::Pending | InvitationStatus::Expired => {}
            }
            expected.require(before.version)?;
            let after = before.ended(InvitationStatus::Revoked, now);
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::InvitationRevoked, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            hold(&mut transaction, cx, &before);
            let ended = EndedInvitation {
                before: &before,
                after: &after,
            };
            end(&mut transaction, LABELS, ended, now)?;
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
