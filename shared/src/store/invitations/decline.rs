//! Declining an invitation.

use super::answering::Answering;
use super::found::FoundInvitation;
use super::{EndedInvitation, InvitationLabels, end, event};
use crate::domain::{EventType, InvitationStatus, Transition};
use crate::store::rows::organizations;
use crate::store::settle::Unsettled;
use crate::store::table::Condition;
use crate::store::{Context, Error, Store, access, keys};

/// Label of an action in the transaction that declines an invitation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum InvitationDeclineAction {
    Invitation,
    Invitee,
    Organization,
    Left,
}

const LABELS: InvitationLabels<InvitationDeclineAction> = InvitationLabels {
    invitation: InvitationDeclineAction::Invitation,
    invitee: InvitationDeclineAction::Invitee,
};

impl Store {
    /// Declines an invitation for the caller. Leaves one that the caller has declined unchanged.
    ///
    /// By a token it makes one read, by an id one or two more before it. Writes one transaction on the condition that the
    /// invitation is unchanged, the organization is live, and the caller is not disabled. In an organization with domains
    /// it also marks that the caller does not want to be added by them.
    pub async fn decline_email_invitation(
        &self,
        cx: &Context,
        by: Answering<'_>,
    ) -> Result<(), Error> {
        self.until_settled("decline_email_invitation", |now| async move {
            let (named, view) = self.read_invited(cx, by, None).await?;
            let found = FoundInvitation::in_view(&view, cx, (by, &named), now)?;
            found.require_open_or(InvitationStatus::Declined, now)?;
            found.require_address(&cx.caller, by)?;
            let before = &found.invitation;
            if before.status == InvitationStatus::Declined {
                return Ok(());
            }
            let after = before.ended(InvitationStatus::Declined, now);
            let changed = Transition::Changed(before, &after);
            let event = event(EventType::InvitationDeclined, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let ended = EndedInvitation {
                before,
                after: &after,
            };
            end(&mut transaction, LABELS, ended, now)?;
            let (tenant, organization) = (&before.tenant_id, &before.organization_id);
            let key = keys::organization(tenant, organization);
            transaction.check(
                InvitationDeclineAction::Organization,
                &key,
                organizations::live(),
            );
            access::require_enabled(&mut transaction, &cx.caller);
            if found.membership.is_none() {
                let mark = keys::left_mark(tenant, &cx.caller.user_id, organization);
                transaction.put(
                    InvitationDeclineAction::Left,
                    mark.attributes(),
                    Condition::none(),
                );
            }
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                // Answered or revoked meanwhile. The next read finds out which.
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }
}
