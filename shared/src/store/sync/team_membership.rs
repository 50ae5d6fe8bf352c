//! Joining and leaving teams.

use super::membership::marks_of;
use super::{CurrentMemberships, SyncAction, left, made};
use crate::domain::{
    EventDraft, EventType, GroupId, OrganizationId, Origin, Status, TeamMembership, Transition,
};
use crate::store::rows::members::JOINED_TEAMS;
use crate::store::rows::team_members;
use crate::store::rows::teams::AWAITS_ORGANIZATION;
use crate::store::table::{Condition, ItemChange, number, text};
use crate::store::{Error, Store, WriteOutcome, keys};

impl Store {
    /// Adds a user to a team unless they are in it. If they were already added to its organization by hand,
    /// that membership counts the team. `awaited` is the organization of a team that is standalone because the
    /// organization could not be created.
    pub async fn join_team(
        &self,
        origin: &Origin,
        membership: &TeamMembership,
        awaited: Option<&OrganizationId>,
        current: &CurrentMemberships,
    ) -> Result<WriteOutcome, Error> {
        let mut item = team_members::to_row(membership)?;
        if let Some(awaited) = awaited {
            let awaited = text(awaited.as_str());
            item.insert(AWAITS_ORGANIZATION.to_owned(), awaited);
        }
        let TeamMembership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = membership;
        let held = organization_id
            .as_ref()
            .filter(|id| current.organizations.contains_key(id));
        let created = Transition::Created(membership);
        let event = team_changed_by_group(EventType::TeamMembershipAdded, created);
        // The removal of an erased user from an organization leads to names that were written late. A team without an
        // organization has none.
        let unnamed = origin.clone().without(user_id);
        let origin = if organization_id.is_some() {
            origin
        } else {
            &unnamed
        };
        let mut transaction = self.transaction(origin, [event])?;
        transaction.put(SyncAction::Made, item, Condition::absent());
        if let Some(organization) = held {
            let key = keys::membership(tenant_id, user_id, organization);
            let join = ItemChange::new().add(JOINED_TEAMS, 1);
            transaction.touch(SyncAction::Membership, &key, join, Condition::present());
        }
        Ok(made(transaction.commit().await?))
    }

    /// Writes the status of a team membership on the condition that its version and source are unchanged. Marks
    /// a suspension as made by the sync.
    pub async fn change_synced_team_membership(
        &self,
        origin: &Origin,
        before: &TeamMembership,
        status: Status,
    ) -> Result<WriteOutcome, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        let after = TeamMembership {
            status,
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let change = ItemChange::new()
            .set("status", text(status.as_str()))
            .set("version", number(after.version))
            .set("updated_at", text(after.updated_at.to_string()))
            .and(marks_of(status, before.source));
        let changed = Transition::Changed(before, &after);
        let event = team_changed_by_group(EventType::TeamMembershipUpdated, changed);
        let mut transaction = self.transaction(origin, [event])?;
        transaction.update(SyncAction::Membership, &key, change, unchanged(before));
        Ok(left(transaction.commit().await?)?)
    }

    /// Removes a user from a team on the condition that the membership was created by the sync and its version
    /// is unchanged.
    pub async fn leave_team(
        &self,
        origin: &Origin,
        before: &TeamMembership,
    ) -> Result<WriteOutcome, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        let removed = Transition::Removed(before);
        let event = team_changed_by_group(EventType::TeamMembershipRemoved, removed);
        let mut transaction = self.transaction(origin, [event])?;
        transaction.delete(SyncAction::Membership, &key, unchanged(before));
        Ok(left(transaction.commit().await?)?)
    }
}

/// Returns the event of a team membership that the group of the same id causes.
fn team_changed_by_group(
    event_type: EventType,
    transition: Transition<'_, TeamMembership>,
) -> EventDraft {
    let group = GroupId::from(&transition.resource().team_id);
    EventDraft::team_membership(event_type, transition, None).because_of(group)
}

/// Returns the condition that the team membership is unchanged since it was read. The version alone is not
/// enough: a membership that was deleted and created again starts at version 1.
fn unchanged(before: &TeamMembership) -> Condition {
    Condition::new("#version = :before AND #source = :source AND #created_at = :created_at")
        .value(":before", number(before.version))
        .value(":source", text(before.source.as_str()))
        .value(":created_at", text(before.created_at.to_string()))
}
