//! Sending an invitation again.

use super::changeable::{changeable, not_changed};
use super::create::hold;
use super::mail::without_lease;
use super::{InvitationAction, event};
use crate::domain::{
    EventType, ExpectedVersion, Invitation, InvitationDelivery, InvitationKey, InvitationStatus,
    RESEND_AFTER, Transition,
};
use crate::store::idempotency;
use crate::store::rows::invitations::{
    invitee_row, key_of, names, not_invited, to_change, unchanged,
};
use crate::store::table::text;
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store};

impl Store {
    /// Issues the next token of an invitation that is pending or has expired, and makes the caller its inviter. Requires
    /// an owner or admin whose role is not lower than the invited one. At most once a minute.
    ///
    /// Makes one read, and writes one transaction on the condition that the invitation is unchanged since, that the
    /// caller has the permission, that the organization is live, and that no other invitation of the address is open.
    pub async fn resend_invitation(
        &self,
        cx: &Context,
        key: InvitationKey<'_>,
        delivery: InvitationDelivery,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<Invitation>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("resend_invitation", |now| async move {
            let view = self.view_invitation(cx, key, record).await?;
            // Before the precondition: the first request has changed the version.
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let before = changeable(cx, &view, key)?;
            expected.require(before.version)?;
            let Some(email) = before
                .email
                .as_ref()
                .filter(|_| before.status == InvitationStatus::Pending)
            else {
                return Err(Refusal::InvitationEnded.into());
            };
            if now < before.issued_at.after(RESEND_AFTER) {
                return Err(Refusal::SentRecently.into());
            }
            let after = before.sent_again(&cx.caller, delivery, now);
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::InvitationResent, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            hold(&mut transaction, cx, &before);
            let change = to_change(&after)?.set("delivery", text(delivery.as_str()));
            let change = without_lease(change);
            let condition = unchanged(&before);
            transaction.update(
                InvitationAction::Invitation,
                &key_of(&before),
                change,
                condition,
            );
            let free = names(&before.id).or(not_invited(now));
            transaction.put(InvitationAction::Invitee, invitee_row(&after, email), free);
            if let Some(record) = record {
                record.write(&mut transaction, InvitationAction::Record, &after)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(after));
            };
            if let Some(record) = record
                && let Some(first) = record.replay(&unmet, &InvitationAction::Record)?
            {
                return Ok(first);
            }
            if unmet.of(&InvitationAction::Invitation).is_none()
                && unmet.of(&InvitationAction::Invitee).is_some()
            {
                // It had expired, and the address was invited again.
                return Err(Refusal::InvitationEnded.into());
            }
            Err(not_changed(&unmet))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::access;
    use crate::store::fake::Fake;
    use crate::store::invitations::tests::invitation;
    use crate::store::rows::invitations::to_row;
    use crate::store::samples::{member_row, organization_row, request_of};

    #[tokio::test]
    async fn a_removed_member_resends_no_invitation() {
        let one = invitation("t");
        let cx = request_of("bob");
        let own = access::own_key(&cx.caller, &one.organization_id);
        let rows = [
            to_row(&one).unwrap(),
            organization_row(),
            member_row("bob", Role::Owner),
        ];
        let fake = Fake::with(rows).unmet(own, None);
        let store = fake.store();
        let any = ExpectedVersion::ANY;
        let sent = store.resend_invitation(
            &cx,
            InvitationKey {
                organization: &one.organization_id,
                invitation: &one.id,
            },
            InvitationDelivery::Queued,
            &any,
        );
        let refused = sent.await.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::NotFound)));
    }
}
