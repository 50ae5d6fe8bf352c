//! Joining and leaving organizations.

use crate::store::invitations::{EndedInvitation, InvitationLabels};
use crate::store::keys::{self, Key};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, number, text};
use crate::store::{Error, Store, WriteOutcome, invitations};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CurrentMemberships, SyncAction, SyncedMembership, left, made};
use crate::domain::{
    Email, EventDraft, EventType, GroupId, InvitationStatus, Membership, OrganizationId, Origin,
    Role, Source, Status, Target, TeamId, Transition,
};
use crate::store::members::inviter_of;
use crate::store::rows::known_user::KnownUser;
use crate::store::rows::members::{JOINED_TEAMS, MAPPED_FROM, SUSPENDED_BY, SYNCED_ROLE};
use crate::store::rows::{members, names, organizations};

impl Store {
    /// Adds a user to an organization unless they are in it, with the names of the profile at this login.
    ///
    /// `mapped_from` is the group that gives the membership through `group_map`.
    pub async fn join_organization(
        &self,
        origin: &Origin,
        membership: &Membership,
        login: &KnownUser,
        mapped_from: Option<&GroupId>,
    ) -> Result<WriteOutcome, Error> {
        let mut item = members::to_row(membership)?;
        let user = &login.profile.user;
        names::add_copy(&mut item, user, &membership.organization_id);
        // The user also joins the team of the same group, and removing the user looks for it.
        item.insert(JOINED_TEAMS.to_owned(), number(1));
        let role = text(membership.role.as_str());
        item.insert(SYNCED_ROLE.to_owned(), role);
        if let Some(group) = mapped_from {
            item.insert(MAPPED_FROM.to_owned(), text(group.as_str()));
        }
        let created = Transition::Created(membership);
        let event = changed_by_group(EventType::MembershipAdded, created, mapped_from);
        let mut transaction = self.transaction(origin, [event])?;
        transaction.put(SyncAction::Made, item, Condition::absent());
        Ok(made(transaction.commit().await?))
    }

    /// Writes the status of a membership on the condition that its version and source are unchanged. Updates
    /// the count of active owners of its organization, of which at least one remains. Marks a suspension as
    /// made by the sync.
    pub async fn change_synced_membership(
        &self,
        origin: &Origin,
        synced: SyncedMembership<'_>,
        status: Status,
    ) -> Result<WriteOutcome, Error> {
        let before = synced.before;
        let after = Membership {
            status,
            ..before.clone()
        };
        let marks = marks_of(status, before.source);
        self.write_synced_membership(origin, synced, after, marks)
            .await
    }

    /// Ends a suspension made by the sync, changes the role to the one from the directory, or both, on the
    /// condition that the version and source of the membership are unchanged.
    pub async fn follow_synced_membership(
        &self,
        origin: &Origin,
        synced: SyncedMembership<'_>,
        status: Status,
        role: Option<Role>,
    ) -> Result<WriteOutcome, Error> {
        let before = synced.before;
        let after = Membership {
            status,
            role: role.unwrap_or(before.role),
            ..before.clone()
        };
        let mut marks = ItemChange::new();
        if status != before.status {
            marks = marks.remove(SUSPENDED_BY);
        }
        if let Some(role) = role {
            marks = marks.set(SYNCED_ROLE, text(role.as_str()));
        }
        self.write_synced_membership(origin, synced, after, marks)
            .await
    }

    async fn write_synced_membership(
        &self,
        origin: &Origin,
        SyncedMembership {
            before,
            mapped_from,
        }: SyncedMembership<'_>,
        after: Membership,
        marks: ItemChange,
    ) -> Result<WriteOutcome, Error> {
        let after = Membership {
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..after
        };
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let change = members::change_to(&after).and(marks);
        let condition = members::unchanged(before);
        let event_type = type_of_change(before.status, after.status);
        let changed = Transition::Changed(before, &after);
        let event = changed_by_group(event_type, changed, mapped_from);
        let mut transaction = self.transaction(origin, [event])?;
        transaction.update(SyncAction::Membership, &key, change, condition);
        count_owners(&mut transaction, before, Some(&after));
        Ok(left(transaction.commit().await?)?)
    }

    /// Activates an open invitation that has not expired, on the condition that it is unchanged and its inviter may
    /// still grant its role. Otherwise turns the membership into one of the directory with its role and source, on the opposite of the
    /// condition that failed: if the inviter regains the permission in between, the invitation stays open for the next
    /// login.
    pub async fn accept_synced_invitation(
        &self,
        origin: &Origin,
        SyncedMembership {
            before,
            mapped_from,
        }: SyncedMembership<'_>,
        role: Role,
        source: Source,
    ) -> Result<WriteOutcome, Error> {
        let now = self.clock.now();
        let after = before.activated(now);
        let failed = match inviter_of(before, now) {
            Err(_) => None,
            Ok(conditions) => {
                let labels = [SyncAction::Inviter, SyncAction::InviterProfile];
                let accepted = Transition::Changed(before, &after);
                let event = changed_by_group(EventType::MembershipAccepted, accepted, mapped_from);
                let mut transaction = self.transaction(origin, [event])?;
                for (label, (key, may)) in labels.into_iter().zip(&conditions) {
                    transaction.check(label, key, may.clone());
                }
                activate_synced(&mut transaction, before, &after, ItemChange::new());
                let unmet = match transaction.commit().await? {
                    Err(unmet) if unmet.only(&labels) => unmet,
                    committed => return Ok(left(committed)?),
                };
                let mut conditions = labels.iter().zip(conditions);
                let failed = conditions.find(|(label, _)| unmet.of(label).is_some());
                failed.map(|(_, condition)| condition)
            }
        };
        let after = Membership {
            role,
            source,
            invited_by_user_id: None,
            ..after
        };
        let change = ItemChange::new()
            .set("source", text(after.source.as_str()))
            .set(SYNCED_ROLE, text(role.as_str()))
            .remove("invited_by_user_id");
        let change = match mapped_from {
            Some(group) => change.set(MAPPED_FROM, text(group.as_str())),
            None => change,
        };
        let added = Transition::Changed(before, &after);
        let event = changed_by_group(EventType::MembershipAdded, added, mapped_from);
        let mut transaction = self.transaction(origin, [event])?;
        if let Some((key, may)) = failed {
            transaction.check(SyncAction::Inviter, &key, may.negated());
        }
        activate_synced(&mut transaction, before, &after, change);
        Ok(left(transaction.commit().await?)?)
    }

    /// Removes a user from an organization, and revokes the pending invitation of their verified address, so that they
    /// cannot come back through it. On the condition that the membership was created by the sync and its version is
    /// unchanged, and the invitation is unchanged. Also removes the user from the organization's teams, except those in
    /// `apart`.
    ///
    /// Makes one more read if the user has a verified address, and another if it is invited.
    pub async fn leave_organization(
        &self,
        origin: &Origin,
        before: &Membership,
        current: &CurrentMemberships,
        apart: &BTreeSet<TeamId>,
        login: &KnownUser,
    ) -> Result<WriteOutcome, Error> {
        let address = login.profile.user.verified_email();
        self.leave_with_invitation(origin, before, current, apart, address)
            .await
    }

    /// Like [`Store::leave_organization`], for a user with this verified address.
    pub(in crate::store) async fn leave_with_invitation(
        &self,
        origin: &Origin,
        before: &Membership,
        current: &CurrentMemberships,
        apart: &BTreeSet<TeamId>,
        address: Option<&Email>,
    ) -> Result<WriteOutcome, Error> {
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let joined = current.joined_teams.get(organization_id).cloned().flatten();
        let mapped_from = current.marks.get(organization_id);
        let mapped_from = mapped_from.and_then(|marks| marks.mapped_from.as_ref());
        let condition = members::unchanged(before).and(members::joined_no_more_teams(joined));
        let mut teams: Vec<_> = current
            .teams
            .values()
            .filter(|team| team.organization_id.as_ref() == Some(organization_id))
            .filter(|team| !apart.contains(&team.team_id))
            .map(|team| keys::team_membership(tenant_id, user_id, &team.team_id))
            .collect();
        while teams.len() > members::MOST_TEAMS {
            // Too many teams for one transaction: leaves some teams first, and the organization last.
            let rest = teams.split_off(members::MOST_TEAMS);
            let event =
                EventDraft::left_teams(tenant_id, user_id, organization_id, targets(&teams))
                    .because_of(organization_id);
            let mut transaction = self.transaction(origin, [event])?;
            leave_teams(&mut transaction, &teams, organization_id);
            transaction.check(SyncAction::Membership, &key, condition.clone());
            if before.is_active_owner() {
                let organization = keys::organization(tenant_id, organization_id);
                let another = organizations::another_owner();
                transaction.check(SyncAction::Organization, &organization, another);
            }
            if let Err(unmet) = transaction.commit().await? {
                return Ok(left(Err(unmet))?);
            }
            teams = rest;
        }
        let (key, condition, teams) = (&key, &condition, &teams);
        // Set when the user left one of the teams since they were read.
        let overtaken = &AtomicBool::new(false);
        self.until_settled("leave_organization", |now| async move {
            let mut teams = teams.clone();
            if overtaken.load(Ordering::Relaxed) {
                let (_, still) = self
                    .membership_and_teams(tenant_id, user_id, organization_id)
                    .await?;
                teams.retain(|team| still.contains(team));
            }
            let teams = &teams;
            let open = match address {
                Some(address) => {
                    self.open_invitation_of(tenant_id, organization_id, address, now)
                        .await?
                }
                None => None,
            };
            let ended = open.map(|open| {
                let revoked = open.ended(InvitationStatus::Revoked, now);
                (open, revoked)
            });
            let removed = Transition::Removed(before);
            let event = changed_by_group(EventType::MembershipRemoved, removed, mapped_from)
                .with_targets(targets(teams));
            let revocation = ended.as_ref().map(|(open, revoked)| {
                let changed = Transition::Changed(open, revoked);
                invitations::event(EventType::InvitationRevoked, changed)
                    .because_of(organization_id)
            });
            let events = std::iter::once(event).chain(revocation);
            let mut transaction = self.transaction(origin, events)?;
            leave_teams(&mut transaction, teams, organization_id);
            transaction.delete(SyncAction::Membership, key, condition.clone());
            // The domain of their address must not add them again.
            let mark = keys::left_mark(tenant_id, user_id, organization_id);
            transaction.put(SyncAction::Left, mark.attributes(), Condition::none());
            count_owners(&mut transaction, before, None);
            if let Some(address) = address {
                let labels = InvitationLabels {
                    invitation: SyncAction::Invitation,
                    invitee: SyncAction::Invitee,
                };
                let ended = ended
                    .as_ref()
                    .map(|(before, after)| EndedInvitation { before, after });
                invitations::leave_none(&mut transaction, labels, before, address, ended, now)?;
            }
            match transaction.commit().await? {
                // Answered or sent again meanwhile.
                Err(unmet) if unmet.only(&[SyncAction::Invitation, SyncAction::Invitee]) => {
                    Err(Unsettled::Overtaken)
                }
                Err(unmet) if unmet.only(&[SyncAction::Team]) => {
                    overtaken.store(true, Ordering::Relaxed);
                    Err(Unsettled::Overtaken)
                }
                committed => Ok(left(committed)?),
            }
        })
        .await
    }
}

/// Returns the event of a membership that a group causes: the mapped one, or the one with the id of the organization.
fn changed_by_group(
    event_type: EventType,
    transition: Transition<'_, Membership>,
    mapped_from: Option<&GroupId>,
) -> EventDraft {
    let own = || GroupId::from(&transition.resource().organization_id);
    let group = mapped_from.cloned().unwrap_or_else(own);
    EventDraft::membership(event_type, transition, None).because_of(group)
}

/// Returns the change that marks a suspension as made by the sync, or removes the mark.
pub(super) fn marks_of(status: Status, by: Source) -> ItemChange {
    match status {
        Status::Suspended => ItemChange::new().set(SUSPENDED_BY, text(by.as_str())),
        Status::Active | Status::Invited => ItemChange::new().remove(SUSPENDED_BY),
    }
}

fn count_owners(
    transaction: &mut Transaction<'_, SyncAction>,
    before: &Membership,
    after: Option<&Membership>,
) {
    let key = keys::organization(&before.tenant_id, &before.organization_id);
    let is_owner = after.is_some_and(Membership::is_active_owner);
    let more = i32::from(is_owner) - i32::from(before.is_active_owner());
    if more != 0 {
        // Deleted organizations count their owners too, until they are purged.
        let present = Condition::present();
        organizations::count_owners(transaction, SyncAction::Organization, &key, more, present);
    }
}

fn activate_synced(
    transaction: &mut Transaction<'_, SyncAction>,
    before: &Membership,
    after: &Membership,
    change: ItemChange,
) {
    let key = keys::membership(&before.tenant_id, &before.user_id, &before.organization_id);
    let change = members::also_change_to(change, after);
    let condition = members::unchanged(before);
    transaction.update(SyncAction::Membership, &key, change, condition);
    count_owners(transaction, before, Some(after));
}

/// Returns the targets of an event that names teams.
fn targets(teams: &[Key]) -> impl Iterator<Item = Target> {
    let teams = teams.iter().filter_map(keys::team_in);
    let targets: Vec<_> = teams.map(|team| Target::team(&team, None)).collect();
    targets.into_iter()
}

/// Deletes the memberships in teams of an organization.
fn leave_teams(transaction: &mut Transaction<'_, SyncAction>, teams: &[Key], of: &OrganizationId) {
    for team in teams {
        transaction.delete(SyncAction::Team, team, members::of_organization(of));
    }
}

/// Returns the type of the event of a change between these statuses.
fn type_of_change(before: Status, after: Status) -> EventType {
    match (before, after) {
        (before, after) if before == after => EventType::MembershipRoleChanged,
        (_, Status::Suspended) => EventType::MembershipSuspended,
        _ => EventType::MembershipReactivated,
    }
}

#[cfg(test)]
mod tests;
