//! Sending the mail of an invitation.
//!
//! Who sends it first writes a lease on the invitation, so that of two who try, one sends. The lease ends by itself: if its
//! holder stopped between the mail and the record of it, the mail is sent again. Neither the lease nor the result of the
//! mail is part of the version of an invitation.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use uuid::Uuid;

use super::{InvitationAction, event};
use crate::domain::{
    Actor, EventContext, EventType, Invitation, InvitationDelivery, InvitationStatus, IssuedToken,
    Name, Origin, Timestamp, Transition,
};
use crate::store::rows::invitations::{from_row, key_of};
use crate::store::rows::{names, organizations};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, Key, Updated, number, text, text_of};
use crate::store::{Error, Store, in_version, keys, table};

/// How long a mail is being sent at most. Longer than an invocation of the function that sends it.
const LEASE: Duration = Duration::from_mins(2);
/// Attribute of an invitation whose mail is being sent: when the lease ends.
const UNTIL: &str = "sending_until";
/// Attribute of an invitation whose mail is being sent: the id of the lease, which makes a repeated write of it succeed.
const BY: &str = "sending_by";

/// The right to send the mail of an invitation, until a time.
#[derive(Clone, Debug)]
pub struct MailLease {
    /// The invitation as it was read.
    pub invitation: Invitation,
    /// The name of the organization.
    pub organization_name: Name,
    /// The name of the inviter, if their profile has one.
    pub inviter_name: Option<Name>,
    id: Uuid,
}

/// Who sends a mail.
#[derive(Debug)]
pub enum MailClaim {
    /// The caller.
    Granted(Box<MailLease>),
    /// Another one is sending it, until this time at most.
    Held(Timestamp),
    /// The mail is sent, or is not to be sent: the invitation has ended or expired or has a newer token, or its
    /// organization is deleted.
    Over,
}

impl Store {
    /// Takes the right to send the mail of this token for two minutes.
    ///
    /// Makes two reads, and writes on the condition that the invitation is pending and not expired, that the token is its
    /// current one, that its mail is not sent, and that no other holds the lease.
    pub async fn claim_invitation_mail(
        &self,
        issued: &IssuedToken,
        now: Timestamp,
    ) -> Result<MailClaim, Error> {
        let (tenant, organization) = (&issued.tenant_id, &issued.organization_id);
        let key = key_of_issued(issued);
        let owner = keys::organization(tenant, organization);
        let view = self.read(&[&key, &owner]).await?;
        let stored = view.item(&key).map(from_row).transpose()?;
        let live = view
            .item(&owner)
            .filter(|it| !organizations::is_gone(Some(it)));
        let (Some(invitation), Some(live)) = (stored, live) else {
            return Ok(MailClaim::Over);
        };
        if !is_to_send(&invitation, issued, now) {
            return Ok(MailClaim::Over);
        }
        let organization_name = organizations::from_row(live)?.name;
        let inviter = keys::user(tenant, &invitation.invited_by_user_id);
        let view = self.read(&[&inviter]).await?;
        let inviter = view.item(&inviter).map(names::names_in).transpose()?;

        let id = self.clock.new_id();
        let change = ItemChange::new()
            .set(UNTIL, text(now.after(LEASE).to_string()))
            .set(BY, text(id.to_string()));
        let free = format!("attribute_not_exists(#{UNTIL}) OR #{UNTIL} <= :now OR #{BY} = :id");
        let free = Condition::new(free)
            .value(":now", text(now.to_string()))
            .value(":id", text(id.to_string()));
        let condition = to_be_sent(issued, now).and(free);
        let table = &self.table;
        let updated = table.update_and_return(&key, change, condition, ReturnValue::None);
        Ok(match updated.await? {
            Updated::Done(_) => MailClaim::Granted(Box::new(MailLease {
                invitation,
                organization_name,
                inviter_name: inviter.and_then(|names| names.display_name),
                id,
            })),
            Updated::Unmet(Some(item)) => held(item, issued, now)?,
            Updated::Unmet(None) => MailClaim::Over,
        })
    }

    /// Gives the right back, because the mail was not sent. Does nothing if another one has it.
    pub async fn release_invitation_mail(&self, lease: &MailLease) -> Result<(), table::Error> {
        let own = Condition::new(format!("#{BY} = :id")).value(":id", text(lease.id.to_string()));
        let change = ItemChange::new().remove(UNTIL).remove(BY);
        let key = key_of(&lease.invitation);
        self.table.update(&key, change, own).await?;
        Ok(())
    }

    /// Records that the mail of this token was sent, unless the invitation has a newer one.
    pub async fn record_invitation_sent(
        &self,
        issued: &IssuedToken,
        sent_at: Timestamp,
    ) -> Result<(), table::Error> {
        let change = ItemChange::new()
            .set("delivery", text(InvitationDelivery::Sent.as_str()))
            .set("sent_at", text(sent_at.to_string()))
            .remove(UNTIL)
            .remove(BY);
        let key = key_of_issued(issued);
        self.table.update(&key, change, is_current(issued)).await?;
        Ok(())
    }

    /// Records that the mail of this token cannot be sent, with an event. Does nothing if that is recorded, or if the
    /// invitation has ended or has a newer token.
    ///
    /// Makes one read, and writes one transaction on the condition that the invitation is unchanged since, and that its
    /// mail was still to be sent.
    pub async fn record_invitation_not_sent(
        &self,
        issued: &IssuedToken,
        request_id: &str,
    ) -> Result<(), Error> {
        let key = key_of_issued(issued);
        let origin = Origin::new(
            Actor::system(),
            EventContext {
                request_id: request_id.to_owned(),
                operation: "sendInvitation".to_owned(),
                ..EventContext::default()
            },
        );
        let (key, origin) = (&key, &origin);
        self.until_settled("record_invitation_not_sent", |_| async move {
            let Some(item) = self.table.get(key).await? else {
                return Ok(());
            };
            let before = from_row(item)?;
            let queued = before.delivery == InvitationDelivery::Queued;
            let pending = before.status == InvitationStatus::Pending;
            if !queued || !pending || !issued.is_current(&before) {
                return Ok(());
            }
            let after = Invitation {
                delivery: InvitationDelivery::Failed,
                ..before.clone()
            };
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::InvitationDeliveryFailed, changed);
            let mut transaction = self.transaction(origin, [event])?;
            let change = ItemChange::new()
                .set("delivery", text(after.delivery.as_str()))
                .remove(UNTIL)
                .remove(BY);
            let queued = Condition::new("#delivery = :queued")
                .value(":queued", text(InvitationDelivery::Queued.as_str()));
            let condition = in_version(before.version).and(queued);
            transaction.update(InvitationAction::Invitation, key, change, condition);
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                // Sent, ended or sent again meanwhile. The next read shows which.
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }
}

/// Returns the change that ends a lease, because the invitation has a new token.
pub(super) fn without_lease(change: ItemChange) -> ItemChange {
    change.remove(UNTIL).remove(BY)
}

fn key_of_issued(issued: &IssuedToken) -> Key {
    keys::invitation(
        &issued.tenant_id,
        &issued.organization_id,
        &issued.invitation_id,
    )
}

/// Returns whether the mail of this token is still to be sent. That of a failed one is, if its message is moved back to
/// the queue.
fn is_to_send(invitation: &Invitation, issued: &IssuedToken, now: Timestamp) -> bool {
    invitation.is_open(now)
        && invitation.email.is_some()
        && issued.is_current(invitation)
        && matches!(
            invitation.delivery,
            InvitationDelivery::Queued | InvitationDelivery::Failed
        )
}

/// Returns the same as a condition.
fn to_be_sent(issued: &IssuedToken, now: Timestamp) -> Condition {
    Condition::new("#status = :pending AND #valid_until > :now")
        .value(":pending", text(InvitationStatus::Pending.as_str()))
        .value(":now", text(now.to_string()))
        .and(is_current(issued))
        .and(
            Condition::new("attribute_exists(#email) AND #delivery IN (:queued, :failed)")
                .value(":queued", text(InvitationDelivery::Queued.as_str()))
                .value(":failed", text(InvitationDelivery::Failed.as_str())),
        )
}

/// Returns the condition that this is the current token of the invitation.
fn is_current(issued: &IssuedToken) -> Condition {
    Condition::new("#send_count = :send_count").value(":send_count", number(issued.send_count))
}

/// Returns why the lease was not granted.
fn held(item: Item, issued: &IssuedToken, now: Timestamp) -> Result<MailClaim, Error> {
    let until = match item.get(UNTIL) {
        Some(_) => Some(text_of(&item, UNTIL)?.parse()),
        None => None,
    };
    let until: Option<Timestamp> = until.transpose().map_err(table::Error::unreadable)?;
    let invitation = from_row(item)?;
    Ok(match until {
        Some(until) if is_to_send(&invitation, issued, now) => MailClaim::Held(until),
        _ => MailClaim::Over,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;
    use crate::store::invitations::tests::invitation;
    use crate::store::rows::invitations::to_row;

    #[tokio::test]
    async fn only_the_mail_of_the_token_of_an_open_invitation_fails() {
        let fails = async |status, send_count| {
            let one = Invitation {
                status,
                ..invitation("t")
            };
            let fake = Fake::with([to_row(&one).unwrap()]);
            let issued = IssuedToken {
                tenant_id: one.tenant_id,
                organization_id: one.organization_id,
                invitation_id: one.id,
                send_count,
            };
            let store = fake.store();
            let recorded = store.record_invitation_not_sent(&issued, "r");
            recorded.await.unwrap();
            !fake.writes().is_empty()
        };
        assert!(fails(InvitationStatus::Pending, 1).await);
        assert!(!fails(InvitationStatus::Pending, 2).await);
        assert!(!fails(InvitationStatus::Revoked, 1).await);
    }

    #[test]
    fn only_a_queued_or_failed_mail_of_an_open_invitation_is_sent() {
        let is_sent = |status, delivery, send_count| {
            let one = Invitation {
                status,
                delivery,
                ..invitation("t")
            };
            let issued = IssuedToken {
                tenant_id: one.tenant_id.clone(),
                organization_id: one.organization_id.clone(),
                invitation_id: one.id.clone(),
                send_count,
            };
            is_to_send(&one, &issued, Timestamp::EPOCH)
        };
        let (pending, queued) = (InvitationStatus::Pending, InvitationDelivery::Queued);
        assert!(is_sent(pending, queued, 1));
        assert!(is_sent(pending, InvitationDelivery::Failed, 1));
        assert!(!is_sent(pending, InvitationDelivery::Sent, 1));
        assert!(!is_sent(pending, queued, 2));
        assert!(!is_sent(InvitationStatus::Revoked, queued, 1));
    }

    #[test]
    fn a_lease_is_held_only_while_the_mail_is_to_be_sent() {
        let now = Timestamp::EPOCH;
        let until = now.after(LEASE);
        let claim = |send_count| {
            let one = invitation("t");
            let mut item = to_row(&one).unwrap();
            item.insert(UNTIL.to_owned(), text(until.to_string()));
            let issued = IssuedToken {
                tenant_id: one.tenant_id,
                organization_id: one.organization_id,
                invitation_id: one.id,
                send_count,
            };
            held(item, &issued, now).unwrap()
        };
        assert!(matches!(claim(1), MailClaim::Held(at) if at == until));
        assert!(matches!(claim(2), MailClaim::Over));
    }
}
