//! Moving a team into an organization that could not be created together with the team.

use super::SyncAction;
use crate::domain::{
    EventDraft, EventType, Limits, Name, OrganizationId, Origin, Team, TeamId, TeamMembership,
    TenantId, Transition,
};
use crate::store::keys;
use crate::store::rows::members::JOINED_TEAMS;
use crate::store::rows::organizations::SYNCED_NAME;
use crate::store::rows::teams::AWAITS_ORGANIZATION;
use crate::store::rows::{organizations, team_members, teams};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, number, text};
use crate::store::teams::reserve_team_name;
use crate::store::{Error, Store, WriteOutcome};

/// Attributes of a team that change when it moves.
const PLACE: [&str; 7] = [
    "organization_id",
    "name",
    "limits",
    "version",
    "updated_at",
    "gsi1pk",
    "gsi1sk",
];

/// How to move a team into its organization.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The version that was read.
    pub version: u64,
    /// The new name.
    pub name: &'a Name,
    /// The new limits; `None` to keep the limits.
    pub limits: Option<&'a Limits>,
}

impl Store {
    /// Moves a team that waits for its organization into it, on the condition that the version is unchanged and
    /// the organization is live. Then moves its members. The team stops waiting only when all members are
    /// moved: the next login resumes an interrupted move.
    pub async fn move_team(
        &self,
        origin: &Origin,
        tenant: &TenantId,
        id: &TeamId,
        organization: &OrganizationId,
        how: Move<'_>,
    ) -> Result<WriteOutcome, Error> {
        let key = keys::team(tenant, id);
        let Some(item) = self.table.get(&key).await? else {
            return Ok(WriteOutcome::Unchanged);
        };
        let is_live = !item.contains_key(teams::DELETED_AT);
        if !is_live || !item.contains_key(AWAITS_ORGANIZATION) {
            return Ok(WriteOutcome::Unchanged);
        }
        let synced_name = item.get(SYNCED_NAME).cloned();
        let before = teams::from_row(item)?;
        match &before.organization_id {
            // An interrupted login has moved the team, but not all its members.
            Some(found) if found == organization => {}
            Some(_) => return Ok(WriteOutcome::Unchanged),
            None => {
                let is_synced = synced_name == Some(text(before.name.as_str()));
                let put = self
                    .put_into(origin, &before, organization, how, is_synced)
                    .await?;
                if put != WriteOutcome::Done {
                    return Ok(put);
                }
            }
        }
        self.move_team_members(origin, tenant, id, organization)
            .await?;
        let done = ItemChange::new().remove(AWAITS_ORGANIZATION);
        let there = teams::is_there();
        self.table.update(&key, done, there).await?;
        Ok(WriteOutcome::Done)
    }

    /// Moves the team itself and reserves its name.
    async fn put_into(
        &self,
        origin: &Origin,
        before: &Team,
        organization: &OrganizationId,
        how: Move<'_>,
        is_synced_name: bool,
    ) -> Result<WriteOutcome, Error> {
        if before.version != how.version {
            return Ok(WriteOutcome::Unchanged);
        }
        let after = Team {
            organization_id: Some(organization.clone()),
            name: how.name.clone(),
            limits: how.limits.unwrap_or(&before.limits).clone(),
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let row = teams::to_row(&after)?;
        let mut change = ItemChange::taking(&PLACE, &row);
        if is_synced_name {
            change = change.set(SYNCED_NAME, text(after.name.as_str()));
        }
        let waits = Condition::new(format!(
            "#version = :before AND attribute_exists(#{AWAITS_ORGANIZATION})"
        ))
        .value(":before", number(before.version))
        .and(teams::is_there());
        let moved = Transition::Moved(before, &after);
        let event = EventDraft::team(EventType::TeamUpdated, moved).because_of(&before.id);
        let mut transaction = self.transaction(origin, [event])?;
        let key = keys::team(&before.tenant_id, &before.id);
        transaction.update(SyncAction::Made, &key, change, waits);
        let key = keys::organization(&before.tenant_id, organization);
        transaction.check(SyncAction::Organization, &key, organizations::live());
        reserve_team_name(&mut transaction, SyncAction::Name, &after)?;
        let Err(unmet) = transaction.commit().await? else {
            return Ok(WriteOutcome::Done);
        };
        let is_as_read = unmet
            .of(&SyncAction::Made)
            .or(unmet.of(&SyncAction::Organization));
        Ok(match is_as_read {
            None => WriteOutcome::NameTaken,
            Some(_) => WriteOutcome::Unchanged,
        })
    }

    async fn move_team_members(
        &self,
        origin: &Origin,
        tenant: &TenantId,
        team: &TeamId,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = team_members::page_of_team(&self.table, tenant, team, after.as_ref());
            let (items, last) = page.await?;
            for item in items {
                let before = team_members::from_row(item)?;
                self.move_team_membership(origin, &before, organization)
                    .await?;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    /// Sets the organization on a membership in the team, so that leaving the organization also leaves the
    /// team. Keeps the version, because the API does not show this attribute.
    ///
    /// Removes a user who was added to the team by hand and is not in the organization: a team of an
    /// organization only has members of the organization.
    pub async fn move_team_membership(
        &self,
        origin: &Origin,
        before: &TeamMembership,
        organization: &OrganizationId,
    ) -> Result<WriteOutcome, Error> {
        let (tenant, user) = (&before.tenant_id, &before.user_id);
        let key = keys::team_membership(tenant, user, &before.team_id);
        let own = keys::membership(tenant, user, organization);
        let after = TeamMembership {
            organization_id: Some(organization.clone()),
            ..before.clone()
        };
        let as_read = || team_members::as_read(before).and(without_organization());
        let change = ItemChange::new()
            .set("organization_id", text(organization.as_str()))
            .remove(AWAITS_ORGANIZATION);
        let moved = || {
            let moved = Transition::Moved(before, &after);
            EventDraft::team_membership(EventType::TeamMembershipUpdated, moved, None)
                .because_of(&before.team_id)
        };
        let (key, own, change) = (&key, &own, &change);
        let (as_read, moved) = (&as_read, &moved);
        self.until_settled("move_team_membership", |_| async move {
            let mut transaction = self.transaction(origin, [moved()])?;
            transaction.update(SyncAction::Team, key, change.clone(), as_read());
            let join = ItemChange::new().add(JOINED_TEAMS, 1);
            transaction.touch(SyncAction::Membership, own, join, Condition::present());
            let Err(unmet) = transaction.commit().await? else {
                return Ok(WriteOutcome::Done);
            };
            match unmet.of(&SyncAction::Team) {
                Some(Some(item)) if !item.contains_key("organization_id") => {
                    // Its role or status has changed.
                    let before = team_members::from_row(item)?;
                    let moved = self.move_team_membership(origin, &before, organization);
                    return Ok(Box::pin(moved).await?);
                }
                Some(_) => return Ok(WriteOutcome::Unchanged),
                None => {}
            }
            if before.source.is_directory() {
                // The next login creates the membership in the organization.
                let mut transaction = self.transaction(origin, [moved()])?;
                transaction.update(SyncAction::Team, key, change.clone(), as_read());
                if transaction.commit().await?.is_ok() {
                    return Ok(WriteOutcome::Done);
                }
                return Err(Unsettled::Overtaken);
            }
            let removed = Transition::Removed(before);
            let removed =
                EventDraft::team_membership(EventType::TeamMembershipRemoved, removed, None)
                    .because_of(&before.team_id);
            let mut transaction = self.transaction(origin, [removed])?;
            transaction.delete(SyncAction::Team, key, as_read());
            transaction.check(SyncAction::Membership, own, Condition::absent());
            if transaction.commit().await?.is_ok() {
                return Ok(WriteOutcome::Done);
            }
            // The user has joined the organization or left the team since.
            Err(Unsettled::Overtaken)
        })
        .await
    }
}

/// Returns the condition that the team membership exists and has no organization.
fn without_organization() -> Condition {
    Condition::new("attribute_exists(#pk) AND attribute_not_exists(#organization_id)")
}
