//! Inviting an address.

use super::{InvitationAction, event};
use crate::domain::{
    Email, EventType, Invalid, Invitation, InvitationStatus, Permission, Status, TeamId, Transition,
};
use crate::store::access::{self, Requirement, View};
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::keys::Key;
use crate::store::rows::invitations::{
    from_row, invitee_row, key_of, named_by, names, not_invited, to_row,
};
use crate::store::rows::{members, organizations, teams};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction, text};
use crate::store::{Added, Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

impl Store {
    /// Invites an address into an organization. Requires an owner or admin whose role is not lower than the invited
    /// one. Returns the pending invitation of the address if there is one with this role.
    ///
    /// Reads the caller's standing, the item of the address, and the users with this address. Writes one transaction on
    /// the condition that the caller has the permission, the organization and the teams are live, and the address is
    /// not invited or its invitation has expired.
    pub async fn create_invitation(
        &self,
        cx: &Context,
        invitation: &Invitation,
    ) -> Result<IdempotentOutcome<Added<Invitation>>, Error> {
        let email = invitation.email.as_ref();
        let email = email.ok_or(table::Error::defect("an invitation without an address"))?;
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("create_invitation", |now| async move {
            let (tenant, id) = (&invitation.tenant_id, &invitation.organization_id);
            let caller = &cx.caller;
            let invitee = keys::invitee(tenant, id, email);
            let mut more = vec![&invitee];
            more.extend(record.map(IdempotencyRecord::key));
            let (view, is_member) = tokio::try_join!(
                self.view(caller, id, &more),
                self.is_member_by_email(invitation, email)
            )?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            view.organization(caller, id, now)?;
            require_inviter(cx, &view, invitation)?;
            if is_member {
                return Err(Refusal::AddressOfMember.into());
            }
            if let Some(item) = view.item(&invitee) {
                let key = keys::invitation(tenant, id, &named_by(item)?);
                let stored = self.table.get(&key).await?.map(from_row).transpose()?;
                if let Some(stored) = stored.filter(|stored| stored.is_open(now)) {
                    let already = self.already_invited(cx, stored, invitation, record);
                    return already.await?.ok_or(Unsettled::Overtaken);
                }
            }
            self.invite(cx, invitation, email, record).await
        })
        .await
    }

    async fn invite(
        &self,
        cx: &Context,
        invitation: &Invitation,
        email: &Email,
        record: Option<&IdempotencyRecord>,
    ) -> Result<IdempotentOutcome<Added<Invitation>>, Unsettled> {
        let added = Added::New(invitation.clone());
        let now = invitation.created_at;
        let created = Transition::Created(invitation);
        let event = event(EventType::InvitationCreated, created);
        let mut transaction = self.transaction(&cx.origin, [event])?;
        hold(&mut transaction, cx, invitation);
        for team in &invitation.team_ids {
            let (key, own) = team_to_join(invitation, team);
            transaction.check(InvitationAction::Team, &key, own);
        }
        let row = to_row(invitation)?;
        transaction.put(InvitationAction::Invitation, row, Condition::absent());
        let invitee = invitee_row(invitation, email);
        transaction.put(InvitationAction::Invitee, invitee, not_invited(now));
        if let Some(record) = record {
            record.write(&mut transaction, InvitationAction::Record, &added)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(IdempotentOutcome::Fresh(added));
        };
        if let Some(record) = record
            && let Some(first) = record.replay(&unmet, &InvitationAction::Record)?
        {
            return Ok(first);
        }
        if unmet.of(&InvitationAction::Organization).is_some() {
            return Err(Refusal::NotFound.into());
        }
        if let Some(refusal) = access::refusal(&unmet, &InvitationAction::Caller) {
            return Err(refusal.into());
        }
        if unmet.of(&InvitationAction::Team).is_some() {
            let reason = "must be ids of teams of the organization that are not deleted";
            return Err(Refusal::Invalid {
                field: "/team_ids",
                reason: Invalid::new(reason),
            }
            .into());
        }
        // Invited meanwhile. The next read finds the invitation.
        Err(Unsettled::Overtaken)
    }

    /// Returns the result for a pending invitation of the address, as [`idempotency::unchanged`] returns it.
    async fn already_invited(
        &self,
        cx: &Context,
        stored: Invitation,
        asked: &Invitation,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<IdempotentOutcome<Added<Invitation>>>, Error> {
        if stored.role != asked.role {
            return Err(Refusal::AlreadyInvited.into());
        }
        let before = stored.clone();
        let hold = |transaction: &mut Transaction<'_, InvitationAction>| {
            hold(transaction, cx, asked);
            let pending = Condition::new("#status = :pending")
                .value(":pending", text(InvitationStatus::Pending.as_str()));
            transaction.check(InvitationAction::Invitation, &key_of(&before), pending);
            if let Some(email) = &before.email {
                let key = keys::invitee(&before.tenant_id, &before.organization_id, email);
                transaction.check(InvitationAction::Invitee, &key, names(&before.id));
            }
        };
        idempotency::unchanged(
            self,
            record,
            InvitationAction::Record,
            hold,
            Added::Already(stored),
        )
        .await
    }

    /// Returns whether an active member of the organization has this address, and it is verified. The index of
    /// addresses is eventually consistent, so a member who joined or changed their address a moment ago may be missed.
    pub(super) async fn is_member_by_email(
        &self,
        invitation: &Invitation,
        email: &Email,
    ) -> Result<bool, Error> {
        let (tenant, organization) = (&invitation.tenant_id, &invitation.organization_id);
        let found = self.verified_users_of(tenant, email).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let keys = found.iter();
        let keys: Vec<_> = keys
            .map(|user| keys::membership(tenant, user, organization))
            .collect();
        let memberships = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        for item in memberships.into_values() {
            if members::from_row(item)?.status == Status::Active {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns the key of a team, and the condition that it is a live team of the organization of the invitation.
pub(super) fn team_to_join(invitation: &Invitation, team: &TeamId) -> (Key, Condition) {
    let own = Condition::new("#organization_id = :organization");
    let own = own.value(":organization", text(invitation.organization_id.as_str()));
    let key = keys::team(&invitation.tenant_id, team);
    (key, teams::is_there().and(own))
}

/// Requires that the caller may invite with this role.
fn require_inviter(cx: &Context, view: &View, invitation: &Invitation) -> Result<(), Error> {
    let caller = &cx.caller;
    let standing = view.standing(caller, &invitation.organization_id)?;
    standing.require(Permission::ManageMembers)?;
    if standing.reaches(invitation.role) {
        Ok(())
    } else {
        Err(Refusal::Forbidden.into())
    }
}

/// Makes the transaction conditional on the caller being allowed to invite with this role, and on the organization
/// being live.
pub(super) fn hold(
    transaction: &mut Transaction<'_, InvitationAction>,
    cx: &Context,
    invitation: &Invitation,
) {
    let requirement = Requirement {
        permission: Permission::ManageMembers,
        reach: Some(invitation.role),
    };
    access::require(
        transaction,
        InvitationAction::Caller,
        &cx.caller,
        &invitation.organization_id,
        requirement,
        cx.now,
    );
    let key = keys::organization(&invitation.tenant_id, &invitation.organization_id);
    transaction.check(InvitationAction::Organization, &key, organizations::live());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::invitations::tests::invitation;
    use crate::store::samples::{member_row, organization_row, request_of};

    #[tokio::test]
    async fn a_member_who_may_not_invite_writes_nothing() {
        for (own, invited) in [(Role::Member, Role::Member), (Role::Admin, Role::Owner)] {
            let mut invitation = invitation("t");
            invitation.role = invited;
            let fake = Fake::with([organization_row(), member_row("bob", own)]);
            let (store, cx) = (fake.store(), request_of("bob"));
            let refused = store.create_invitation(&cx, &invitation).await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden))));
            assert!(fake.writes().is_empty());
        }
    }
}
