//! Accepting an invitation.

mod held;

use std::collections::HashSet;

use super::answering::Answering;
use super::found::FoundInvitation;
use super::{EndedInvitation, InvitationLabels, end, event};
use crate::domain::{
    Caller, EventDraft, EventType, Invitation, InvitationStatus, Membership, Role, Source, Status,
    TeamId, TeamMembership, TeamRole, Timestamp, Transition, UserId,
};
use crate::store::access;
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::rows::{members, organizations, team_members, teams, users};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction, text};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

/// Label of an action in the transaction that answers an invitation. Teams have their position in the invitation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum InvitationAcceptAction {
    Invitation,
    Invitee,
    Organization,
    Inviter,
    Membership,
    User,
    Team(usize),
    TeamMembership(usize),
    Record,
}

const LABELS: InvitationLabels<InvitationAcceptAction> = InvitationLabels {
    invitation: InvitationAcceptAction::Invitation,
    invitee: InvitationAcceptAction::Invitee,
};

impl Store {
    /// Accepts an invitation for the caller, who becomes an active member of its organization and of those of its teams
    /// that are not deleted. An active membership keeps its role. Returns the membership.
    ///
    /// By a token it makes one read, by an id one or two more before it. Writes one transaction on the condition that the
    /// invitation is unchanged, its inviter may still grant its role, the organization is live, the membership is as it
    /// was read, and the caller is not disabled. A team that is deleted, or that the caller is in, is left out of a second
    /// attempt.
    pub async fn accept_email_invitation(
        &self,
        cx: &Context,
        by: Answering<'_>,
    ) -> Result<IdempotentOutcome<Membership>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("accept_email_invitation", |now| async move {
            let (named, view) = self.read_invited(cx, by, record).await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let found = FoundInvitation::in_view(&view, cx, (by, &named), now)?;
            let invitation = &found.invitation;
            if invitation.status == InvitationStatus::Accepted
                && invitation.accepted_by_user_id.as_ref() == Some(&cx.caller.user_id)
            {
                // The answer to the first request was lost.
                let membership = found.membership.filter(|it| it.status == Status::Active);
                let membership = membership.ok_or(Refusal::NotFound)?;
                return self.already_accepted(cx, membership, record).await;
            }
            if !invitation.is_open(now) {
                return Err(Refusal::NotFound.into());
            }
            found.require_address(&cx.caller, by)?;
            self.join(cx, &found, record, now).await
        })
        .await
    }

    /// Returns the membership of a caller who has accepted, as [`idempotency::unchanged`] returns it.
    async fn already_accepted(
        &self,
        cx: &Context,
        membership: Membership,
        record: Option<&IdempotencyRecord>,
    ) -> Result<IdempotentOutcome<Membership>, Unsettled> {
        let before = membership.clone();
        let hold = |transaction: &mut Transaction<'_, InvitationAcceptAction>| {
            let (tenant, organization) = (&before.tenant_id, &before.organization_id);
            let key = keys::membership(tenant, &before.user_id, organization);
            transaction.check(
                InvitationAcceptAction::Membership,
                &key,
                members::unchanged(&before),
            );
            access::require_enabled(transaction, &cx.caller);
            let key = keys::organization(tenant, organization);
            transaction.check(
                InvitationAcceptAction::Organization,
                &key,
                organizations::live(),
            );
        };
        let done = idempotency::unchanged(
            self,
            record,
            InvitationAcceptAction::Record,
            hold,
            membership,
        )
        .await?;
        done.ok_or(Unsettled::Overtaken)
    }

    async fn join(
        &self,
        cx: &Context,
        found: &FoundInvitation,
        record: Option<&IdempotencyRecord>,
        now: Timestamp,
    ) -> Result<IdempotentOutcome<Membership>, Unsettled> {
        let mut left_out = HashSet::new();
        loop {
            let after = membership_after(found, &cx.caller.user_id, now)?;
            let transaction = self.joining(cx, found, &after, &left_out, record, now)?;
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(after));
            };
            if let Some(record) = record
                && let Some(first) = record.replay(&unmet, &InvitationAcceptAction::Record)?
            {
                return Ok(first);
            }
            if unmet.of(&InvitationAcceptAction::Organization).is_some() {
                return Err(Refusal::NotFound.into());
            }
            if unmet.only(&[InvitationAcceptAction::Inviter]) {
                return Err(Refusal::InvitationNotValid.into());
            }
            let known = left_out.len();
            for (position, team) in found.invitation.team_ids.iter().enumerate() {
                let labels = [
                    InvitationAcceptAction::Team(position),
                    InvitationAcceptAction::TeamMembership(position),
                ];
                if labels.iter().any(|label| unmet.of(label).is_some()) {
                    left_out.insert(team.clone());
                }
            }
            if left_out.len() == known {
                // Answered, revoked or sent again meanwhile. The next read finds out which.
                return Err(Unsettled::Overtaken);
            }
        }
    }

    /// Returns the transaction that accepts the invitation, without the teams that are left out.
    fn joining(
        &self,
        cx: &Context,
        found: &FoundInvitation,
        after: &Membership,
        left_out: &HashSet<TeamId>,
        record: Option<&IdempotencyRecord>,
        now: Timestamp,
    ) -> Result<Transaction<'_, InvitationAcceptAction>, Error> {
        let (caller, before) = (&cx.caller, &found.invitation);
        let (tenant, organization) = (&before.tenant_id, &before.organization_id);
        let accepted = Invitation {
            accepted_by_user_id: Some(caller.user_id.clone()),
            ..before.ended(InvitationStatus::Accepted, now)
        };
        let teams = before.team_ids.iter().enumerate();
        let teams = teams.filter(|(_, team)| !left_out.contains(*team));
        let teams: Vec<_> = teams
            .map(|(position, team)| (position, team_membership(before, team, caller, now)))
            .collect();
        let answered = Transition::Changed(before, &accepted);
        let mut events = vec![event(EventType::InvitationAccepted, answered)];
        match &found.membership {
            None => events.push(EventDraft::membership(
                EventType::MembershipAdded,
                Transition::Created(after),
                None,
            )),
            Some(stored) if stored.status != Status::Active => events.push(EventDraft::membership(
                EventType::MembershipAccepted,
                Transition::Changed(stored, after),
                None,
            )),
            Some(_) => {}
        }
        events.extend(teams.iter().map(|(_, joined)| {
            let created = Transition::Created(joined);
            EventDraft::team_membership(EventType::TeamMembershipAdded, created, None)
        }));
        let new_user = found.profile.is_none().then(|| users::known(caller, now));
        events.extend(new_user.as_ref().map(|user| {
            let created = Transition::Created(user);
            EventDraft::user(EventType::UserRegistered, created)
        }));
        let mut origin = cx.origin.clone();
        if let Some(profile) = &found.profile {
            origin = profile.named_in(origin);
        }
        let mut transaction = self.transaction(&origin, events)?;
        let ended = EndedInvitation {
            before,
            after: &accepted,
        };
        end(&mut transaction, LABELS, ended, now)?;
        held::hold_inviter(&mut transaction, found, caller)?;
        held::hold_user(&mut transaction, new_user.as_ref(), caller);
        let key = keys::organization(tenant, organization);
        let was_owner = found
            .membership
            .as_ref()
            .is_some_and(Membership::is_active_owner);
        let more = i32::from(after.is_active_owner() && !was_owner);
        let live = organizations::live();
        organizations::count_owners(
            &mut transaction,
            InvitationAcceptAction::Organization,
            &key,
            more,
            live,
        );
        let joined = i32::try_from(teams.len()).map_err(table::Error::unreadable)?;
        held::put_membership(&mut transaction, found, after, joined, now)?;
        for (position, joined) in &teams {
            let key = keys::team(tenant, &joined.team_id);
            let own = Condition::new("#organization_id = :organization")
                .value(":organization", text(organization.as_str()));
            let there = teams::is_there().and(own);
            transaction.check(InvitationAcceptAction::Team(*position), &key, there);
            let row = team_members::to_row(joined)?;
            transaction.put(
                InvitationAcceptAction::TeamMembership(*position),
                row,
                Condition::absent(),
            );
        }
        if let Some(record) = record {
            record.write(&mut transaction, InvitationAcceptAction::Record, after)?;
        }
        Ok(transaction)
    }
}

/// Returns the caller's membership after they accepted. A suspended member stays suspended.
fn membership_after(
    found: &FoundInvitation,
    user: &UserId,
    now: Timestamp,
) -> Result<Membership, Refusal> {
    let invitation = &found.invitation;
    let role: Role = invitation.role;
    match &found.membership {
        None => Ok(Membership {
            source: Source::Invitation,
            invited_by_user_id: Some(invitation.invited_by_user_id.clone()),
            invited_by_tenant_admin: invitation.invited_by_tenant_admin,
            last_active_at: Some(now),
            ..Membership::new(
                invitation.tenant_id.clone(),
                invitation.organization_id.clone(),
                user.clone(),
                role,
                Status::Active,
                now,
            )
        }),
        Some(stored) => match stored.status {
            Status::Active => Ok(stored.clone()),
            Status::Suspended => Err(Refusal::InvitationNotValid),
            // The role of the invitation that is accepted: its inviter is checked, the other one is not.
            Status::Invited => Ok(Membership {
                role,
                invited_by_user_id: Some(invitation.invited_by_user_id.clone()),
                invited_by_tenant_admin: invitation.invited_by_tenant_admin,
                last_active_at: Some(now),
                ..stored.activated(now)
            }),
        },
    }
}

fn team_membership(
    invitation: &Invitation,
    team: &TeamId,
    caller: &Caller,
    now: Timestamp,
) -> TeamMembership {
    TeamMembership {
        tenant_id: invitation.tenant_id.clone(),
        team_id: team.clone(),
        organization_id: Some(invitation.organization_id.clone()),
        user_id: caller.user_id.clone(),
        role: TeamRole::Member,
        status: Status::Active,
        source: Source::Invitation,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

#[cfg(test)]
mod tests;
