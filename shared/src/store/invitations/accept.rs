//! Accepting and declining an invitation by its token.
//!
//! The token names its invitation, so one read finds all that the answer depends on. What the caller learns is decided
//! in this order: whether the token is valid, whether the invitation was answered, and only then whether the address is
//! the caller's.

use std::collections::HashSet;

use super::address::{claim_key, require_address};
use super::{end, event, from_row};
use crate::domain::{
    Caller, EventDraft, EventType, Invitation, InvitationSecret, InvitationStatus, InvitationToken,
    Membership, Permission, Role, Source, Status, TeamId, TeamMembership, TeamRole, Timestamp,
    Transition, User, UserId,
};
use crate::store::access::{self, Requirement, View};
use crate::store::idempotency::{self, Record};
use crate::store::keys;
use crate::store::settle::Unsettled;
use crate::store::table::{Change, Condition, Transaction, number, text};
use crate::store::team_members::{self, JOINED_TEAMS};
use crate::store::users::{self, names};
use crate::store::{
    Context, Error, Outcome, Refusal, Store, domains, members, organizations, table,
};

/// Label of an action in the transaction that answers an invitation. Teams have their position in the invitation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Invitation,
    Invitee,
    Organization,
    Inviter,
    Membership,
    User,
    Left,
    Team(usize),
    TeamMembership(usize),
    Record,
}

/// How a caller proves that an invitation is theirs.
#[derive(Clone, Copy, Debug)]
pub struct ByToken<'a> {
    /// The token that the caller sent.
    pub token: &'a InvitationToken,
    /// The secret that verifies it.
    pub secret: &'a InvitationSecret,
    /// Whether the caller's verified address must be the invited one.
    pub email_must_match: bool,
}

/// What an answer to an invitation depends on.
pub(super) struct Found {
    pub(super) invitation: Invitation,
    membership: Option<Membership>,
    pub(super) profile: Option<User>,
    /// Whether the organization has verified the domain of the address in the caller's token.
    pub(super) is_claimed: bool,
    has_domains: bool,
}

impl Store {
    /// Accepts an invitation for the caller, who becomes an active member of its organization and of those of its teams
    /// that are not deleted. An active membership keeps its role. Returns the membership.
    ///
    /// Makes one read, and writes one transaction on the condition that the invitation is unchanged, its inviter may
    /// still grant its role, the organization is live, the membership is as it was read, and the caller is not disabled.
    /// A team that is deleted, or that the caller is in, is left out of a second attempt.
    pub async fn accept_by_token(
        &self,
        cx: &Context,
        by: ByToken<'_>,
    ) -> Result<Outcome<Membership>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("accept_by_token", |now| async move {
            let view = self.read_by_token(cx, by, record).await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(first);
            }
            let found = verified(&view, cx, by, now)?;
            let invitation = &found.invitation;
            if invitation.status == InvitationStatus::Accepted
                && invitation.accepted_by_user_id.as_ref() == Some(&cx.caller.user_id)
            {
                // The answer to the first request was lost.
                let membership = found.membership.filter(|it| it.status == Status::Active);
                return Ok(Outcome::Fresh(membership.ok_or(Refusal::NotFound)?));
            }
            if !invitation.is_open(now) {
                return Err(Refusal::NotFound.into());
            }
            require_address(&cx.caller, &found, by.email_must_match)?;
            self.join(cx, &found, record, now).await
        })
        .await
    }

    /// Declines an invitation for the caller. Leaves one that the caller has declined unchanged.
    ///
    /// Makes one read, and writes one transaction on the condition that the invitation is unchanged, the organization is
    /// live, and the caller is not disabled. In an organization with domains it also marks that the caller does not want
    /// to be added by them.
    pub async fn decline_by_token(&self, cx: &Context, by: ByToken<'_>) -> Result<(), Error> {
        self.until_settled("decline_by_token", |now| async move {
            let view = self.read_by_token(cx, by, None).await?;
            let found = verified(&view, cx, by, now)?;
            let before = &found.invitation;
            let is_declined = before.status == InvitationStatus::Declined;
            if !is_declined && !before.is_open(now) {
                return Err(Refusal::NotFound.into());
            }
            require_address(&cx.caller, &found, by.email_must_match)?;
            if is_declined {
                return Ok(());
            }
            let after = before.ended(InvitationStatus::Declined, now);
            let changed = Transition::Changed(before, &after);
            let event = event(EventType::InvitationDeclined, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let labels = (Action::Invitation, Action::Invitee);
            end(&mut transaction, labels, (before, &after), now)?;
            let (tenant, organization) = (&before.tenant_id, &before.organization_id);
            let key = keys::organization(tenant, organization);
            transaction.check(Action::Organization, &key, organizations::live());
            access::require_enabled(&mut transaction, &cx.caller);
            if found.has_domains && found.membership.is_none() {
                let mark = keys::left_mark(tenant, &cx.caller.user_id, organization);
                transaction.put(Action::Left, mark.attributes(), Condition::none());
            }
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                // Answered or revoked meanwhile. The next read finds out which.
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }

    async fn read_by_token(
        &self,
        cx: &Context,
        ByToken { token, .. }: ByToken<'_>,
        record: Option<&Record>,
    ) -> Result<View, Error> {
        let caller = &cx.caller;
        let tenant = &caller.tenant_id;
        let invitation = keys::invitation(tenant, token.organization_id(), token.invitation_id());
        let profile = keys::user(tenant, &caller.user_id);
        let own = access::own_key(caller, token.organization_id());
        let claim = claim_key(caller);
        let mut more = vec![&invitation, &profile, &own];
        more.extend(claim.as_ref());
        more.extend(record.map(Record::key));
        let organization = keys::organization(tenant, token.organization_id());
        more.push(&organization);
        self.read(&more).await
    }

    async fn join(
        &self,
        cx: &Context,
        found: &Found,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<Outcome<Membership>, Unsettled> {
        let mut left_out = HashSet::new();
        loop {
            let after = membership_after(found, &cx.caller.user_id, now)?;
            let transaction = self.joining(cx, (found, &after), &left_out, record, now)?;
            let Err(unmet) = transaction.commit().await? else {
                return Ok(Outcome::Fresh(after));
            };
            if let Some(record) = record
                && let Some(first) = record.replay(&unmet, &Action::Record)?
            {
                return Ok(first);
            }
            if unmet.of(&Action::Organization).is_some() {
                return Err(Refusal::NotFound.into());
            }
            if unmet.only(&[Action::Inviter]) {
                return Err(Refusal::InvitationNotValid.into());
            }
            let known = left_out.len();
            for (position, team) in found.invitation.team_ids.iter().enumerate() {
                let labels = [Action::Team(position), Action::TeamMembership(position)];
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
        (found, after): (&Found, &Membership),
        left_out: &HashSet<TeamId>,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<Transaction<'_, Action>, Error> {
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
        let mut transaction = self.transaction(&cx.origin, events)?;
        let labels = (Action::Invitation, Action::Invitee);
        end(&mut transaction, labels, (before, &accepted), now)?;
        hold_inviter(&mut transaction, found, caller)?;
        hold_user(&mut transaction, found, caller, now);
        let key = keys::organization(tenant, organization);
        let was_owner = found
            .membership
            .as_ref()
            .is_some_and(Membership::is_active_owner);
        if after.is_active_owner() && !was_owner {
            let one_more = Change::new().add("owner_count", 1);
            transaction.touch(Action::Organization, &key, one_more, organizations::live());
        } else {
            transaction.check(Action::Organization, &key, organizations::live());
        }
        let joined = i32::try_from(teams.len()).map_err(table::Error::unreadable)?;
        put_membership(&mut transaction, found, (after, joined), now)?;
        for (position, joined) in &teams {
            let key = keys::team(tenant, &joined.team_id);
            let own = Condition::new("#organization_id = :organization")
                .value(":organization", text(organization.as_str()));
            let there = crate::store::teams::is_there().and(own);
            transaction.check(Action::Team(*position), &key, there);
            let row = team_members::to_row(joined)?;
            transaction.put(Action::TeamMembership(*position), row, Condition::absent());
        }
        if let Some(record) = record {
            record.write(&mut transaction, Action::Record, after)?;
        }
        Ok(transaction)
    }
}

/// Returns what was read, if the token is the current one of an invitation into a live organization. All else is the
/// same 404.
fn verified(
    view: &View,
    cx: &Context,
    ByToken { token, secret, .. }: ByToken<'_>,
    now: Timestamp,
) -> Result<Found, Error> {
    let caller = &cx.caller;
    let (tenant, organization) = (&caller.tenant_id, token.organization_id());
    let item = view.item(&keys::invitation(
        tenant,
        organization,
        token.invitation_id(),
    ));
    let invitation = from_row(item.cloned().ok_or(Refusal::NotFound)?)?;
    if token.tenant_id() != tenant || !secret.verifies(token, &invitation) {
        return Err(Refusal::NotFound.into());
    }
    view.organization(caller, organization, now)?;
    let profile = view.item(&keys::user(tenant, &caller.user_id));
    let claim = claim_key(caller);
    let claim = claim.as_ref().and_then(|key| view.item(key));
    Ok(Found {
        membership: view.membership(&access::own_key(caller, organization))?,
        profile: profile.cloned().map(users::from_row).transpose()?,
        is_claimed: claim.is_some_and(|claim| domains::is_claimed_by(claim, organization)),
        has_domains: view.has_domains(caller, organization),
        invitation,
    })
}

/// Returns the caller's membership after they accepted. A suspended member stays suspended.
fn membership_after(found: &Found, user: &UserId, now: Timestamp) -> Result<Membership, Refusal> {
    let invitation = &found.invitation;
    let role: Role = invitation.role;
    match &found.membership {
        None => Ok(Membership {
            source: Source::Manual,
            invited_by_user_id: Some(invitation.invited_by_user_id.clone()),
            invited_by_tenant_admin: invitation.invited_by_tenant_admin,
            last_active_at: Some(now),
            ..Membership::new(
                invitation.tenant_id.clone(),
                invitation.organization_id.clone(),
                user.clone(),
                (role, Status::Active),
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
        source: Source::Manual,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Makes the transaction conditional on the inviter still being allowed to grant the role. The right of a tenant admin
/// or a machine came from the token, and is not checked again.
fn hold_inviter(
    transaction: &mut Transaction<'_, Action>,
    found: &Found,
    caller: &Caller,
) -> Result<(), Refusal> {
    let invitation = &found.invitation;
    if invitation.invited_by_tenant_admin {
        return Ok(());
    }
    let requirement = Requirement {
        permission: Permission::ManageMembers,
        reach: Some(invitation.role),
    };
    let (tenant, inviter) = (&invitation.tenant_id, &invitation.invited_by_user_id);
    if *inviter == caller.user_id {
        // The transaction pins the caller's own membership as it was read.
        let may = found.membership.as_ref().is_some_and(|own| {
            own.status == Status::Active
                && own.role.grants(requirement.permission)
                && own.role.reaches(invitation.role)
        });
        return if may {
            Ok(())
        } else {
            Err(Refusal::InvitationNotValid)
        };
    }
    let key = keys::membership(tenant, inviter, &invitation.organization_id);
    transaction.check(Action::Inviter, &key, requirement.condition());
    let profile = keys::user(tenant, inviter);
    transaction.check(Action::Inviter, &profile, users::is_enabled());
    Ok(())
}

/// Makes the transaction conditional on the caller not being disabled. A caller who is not known yet becomes known.
fn hold_user(
    transaction: &mut Transaction<'_, Action>,
    found: &Found,
    caller: &Caller,
    now: Timestamp,
) {
    if found.profile.is_some() {
        access::require_enabled(transaction, caller);
    } else {
        let key = keys::user(&caller.tenant_id, &caller.user_id);
        let profile = users::new_profile(&users::known(caller, now));
        transaction.update(Action::User, &key, profile, Condition::absent());
    }
}

/// Puts or activates the membership, on the condition that it is as it was read.
fn put_membership(
    transaction: &mut Transaction<'_, Action>,
    found: &Found,
    (after, teams): (&Membership, i32),
    now: Timestamp,
) -> Result<(), Error> {
    let key = keys::membership(&after.tenant_id, &after.user_id, &after.organization_id);
    let Some(stored) = &found.membership else {
        let mut item = members::to_row(after)?;
        if let Some(profile) = &found.profile {
            names::add_copy(&mut item, profile, &after.organization_id);
        }
        if teams > 0 {
            item.insert(JOINED_TEAMS.to_owned(), number(teams));
        }
        transaction.put(Action::Membership, item, Condition::absent());
        return Ok(());
    };
    let as_read = members::unchanged(stored);
    if stored.status == Status::Active {
        let mut seen = Change::new().set("last_active_at", text(now.to_string()));
        if teams > 0 {
            seen = seen.add(JOINED_TEAMS, teams);
        }
        transaction.touch(Action::Membership, &key, seen, as_read);
    } else {
        let mut change = members::change_to(after).set("last_active_at", text(now.to_string()));
        if teams > 0 {
            change = change.add(JOINED_TEAMS, teams);
        }
        transaction.update(Action::Membership, &key, change, as_read);
    }
    Ok(())
}
