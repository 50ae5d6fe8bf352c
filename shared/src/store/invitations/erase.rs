//! Removing the address of a user from invitations.

use super::{EndedInvitation, InvitationLabels, end, event, index_query};
use crate::domain::{EventType, Invitation, InvitationStatus, Origin, Timestamp, Transition, User};
use crate::store::Store;
use crate::store::keys::{self, INVITATION_PREFIX};
use crate::store::rows::invitations::{from_row, names};
use crate::store::settle::Unsettled;
use crate::store::table::Transaction;

/// Label of an action in the transaction that removes an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum InvitationEraseAction {
    Invitation,
    Invitee,
}

const LABELS: InvitationLabels<InvitationEraseAction> = InvitationLabels {
    invitation: InvitationEraseAction::Invitation,
    invitee: InvitationEraseAction::Invitee,
};

impl Store {
    /// Removes the address of a user from the invitations of it in all organizations, and revokes those that are pending:
    /// of all if the address is verified, else of those that the user accepted. Returns whether there were any.
    ///
    /// Writes one transaction for each, on the condition that it is unchanged, and on those that `hold` adds. Finds them in
    /// an index, which is eventually consistent. A repeated call continues.
    pub(in crate::store) async fn erase_invitations(
        &self,
        user: &User,
        origin: &Origin,
        hold: impl Fn(&mut Transaction<'_, InvitationEraseAction>),
        now: Timestamp,
    ) -> Result<bool, Unsettled> {
        let Some(email) = &user.email else {
            return Ok(false);
        };
        let mut after = None;
        let mut is_any = false;
        loop {
            let query = index_query(&user.tenant_id, email, INVITATION_PREFIX, after, usize::MAX);
            let page = self.table.query(query).await?;
            for item in page.items {
                let before = from_row(item)?;
                let is_theirs = user.email_verified
                    || before.accepted_by_user_id.as_ref() == Some(&user.user_id);
                if is_theirs {
                    is_any = true;
                    self.erase_invitation(&before, origin, &hold, now).await?;
                }
            }
            let Some(last) = page.next else {
                return Ok(is_any);
            };
            after = keys::invitation_start(&user.tenant_id, email, &last);
        }
    }

    async fn erase_invitation(
        &self,
        before: &Invitation,
        origin: &Origin,
        hold: impl Fn(&mut Transaction<'_, InvitationEraseAction>),
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let is_pending = before.status == InvitationStatus::Pending;
        let status = if is_pending {
            InvitationStatus::Revoked
        } else {
            before.status
        };
        let after = Invitation {
            email: None,
            ..before.ended(status, now)
        };
        let mut transaction = if is_pending {
            let changed = Transition::Changed(before, &after);
            self.transaction(origin, [event(EventType::InvitationRevoked, changed)])?
        } else {
            self.unrecorded()
        };
        let ended = EndedInvitation {
            before,
            after: &after,
        };
        end(&mut transaction, LABELS, ended, now)?;
        hold(&mut transaction);
        if let Err(unmet) = transaction.commit().await? {
            if matches!(unmet.of(&InvitationEraseAction::Invitation), Some(None)) {
                // Deleted meanwhile.
                return Ok(());
            }
            return Err(Unsettled::Overtaken);
        }
        if let Some(email) = before.email.as_ref().filter(|_| !before.is_open(now)) {
            // The item of an address stays when its invitation expires.
            let key = keys::invitee(&before.tenant_id, &before.organization_id, email);
            self.table.delete(&key, names(&before.id)).await?;
        }
        Ok(())
    }
}
