//! Creating and renaming organizations and teams.

use super::move_team::Move;
use super::{SyncAction, made};
use crate::domain::{
    EventDraft, EventType, Name, Organization, OrganizationId, Origin, Team, TeamId, TenantId,
    Transition,
};
use crate::store::naming::NamedChange;
use crate::store::organizations::reserve_name;
use crate::store::rows::organizations::{NAMES_INDEXED, SYNCED_NAME};
use crate::store::rows::teams::AWAITS_ORGANIZATION;
use crate::store::rows::{organizations, teams};
use crate::store::table::{Condition, number, text};
use crate::store::teams::reserve_team_name;
use crate::store::{Error, Store, WriteOutcome, keys};
use aws_sdk_dynamodb::types::AttributeValue;

impl Store {
    /// Creates an organization unless it exists or its name is taken. It has no owner until one joins.
    pub async fn make_organization(
        &self,
        origin: &Origin,
        organization: &Organization,
    ) -> Result<WriteOutcome, Error> {
        let created = Transition::Created(organization);
        let event = EventDraft::organization(EventType::OrganizationCreated, created);
        let event = event.because_of(&organization.id);
        let mut transaction = self.transaction(origin, [event])?;
        let mut item = organizations::to_row(organization)?;
        item.insert("owner_count".to_owned(), number(0));
        item.insert(NAMES_INDEXED.to_owned(), AttributeValue::Bool(true));
        item.insert(SYNCED_NAME.to_owned(), text(organization.name.as_str()));
        transaction.put(SyncAction::Made, item, Condition::absent());
        reserve_name(&mut transaction, SyncAction::Name, organization)?;
        Ok(made(transaction.commit().await?))
    }

    /// Creates a team unless it exists or, in an organization, its name is taken. `awaited` is the organization
    /// that could not be created for it. If another login meanwhile created the team as a standalone team that
    /// waits for its organization, moves it into the organization.
    pub async fn make_team(
        &self,
        origin: &Origin,
        team: &Team,
        awaited: Option<&OrganizationId>,
    ) -> Result<WriteOutcome, Error> {
        let mut item = teams::to_row(team)?;
        item.insert(SYNCED_NAME.to_owned(), text(team.name.as_str()));
        let created = Transition::Created(team);
        let event = EventDraft::team(EventType::TeamCreated, created).because_of(&team.id);
        let mut transaction = self.transaction(origin, [event])?;
        let Some(organization) = &team.organization_id else {
            if let Some(awaited) = awaited {
                let awaited = text(awaited.as_str());
                item.insert(AWAITS_ORGANIZATION.to_owned(), awaited);
            }
            transaction.put(SyncAction::Made, item, Condition::absent());
            return Ok(made(transaction.commit().await?));
        };
        transaction.put(SyncAction::Made, item, Condition::absent());
        reserve_team_name(&mut transaction, SyncAction::Name, team)?;
        let Err(unmet) = transaction.commit().await? else {
            return Ok(WriteOutcome::Done);
        };
        if let Some(Some(found)) = unmet.of(&SyncAction::Made)
            && found.contains_key(AWAITS_ORGANIZATION)
        {
            let found = teams::from_row(found)?;
            let waiting = Move {
                version: found.version,
                name: &team.name,
                limits: (found.version == 1).then_some(&team.limits),
            };
            let (tenant, id) = (&team.tenant_id, &team.id);
            return self
                .move_team(origin, tenant, id, organization, waiting)
                .await;
        }
        Ok(made(Err(unmet)))
    }

    /// Renames an organization that the sync created, if its version is unchanged.
    pub async fn rename_organization(
        &self,
        origin: &Origin,
        tenant: &TenantId,
        id: &OrganizationId,
        version: u64,
        name: &Name,
    ) -> Result<WriteOutcome, Error> {
        let Some(item) = self.table.get(&keys::organization(tenant, id)).await? else {
            return Ok(WriteOutcome::Unchanged);
        };
        let before = organizations::from_row(&item)?;
        let reserved = organizations::reserved_name(&item, &before);
        if before.version != version || !before.is_live() {
            return Ok(WriteOutcome::Unchanged);
        }
        let after = Organization {
            name: name.clone(),
            version: version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let change = NamedChange {
            before: &before,
            reserved: &reserved,
            after: &after,
        };
        let renamed = self.rename_synced_organization(origin, change).await?;
        Ok(renamed)
    }

    /// Renames a team that the sync created, if its version is unchanged.
    pub async fn rename_team(
        &self,
        origin: &Origin,
        tenant: &TenantId,
        id: &TeamId,
        version: u64,
        name: &Name,
    ) -> Result<WriteOutcome, Error> {
        let Some(item) = self.table.get(&keys::team(tenant, id)).await? else {
            return Ok(WriteOutcome::Unchanged);
        };
        let before = teams::from_row(&item)?;
        let reserved = teams::reserved_name(&item, &before);
        if before.version != version {
            return Ok(WriteOutcome::Unchanged);
        }
        let after = Team {
            name: name.clone(),
            version: version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let change = NamedChange {
            before: &before,
            reserved: &reserved,
            after: &after,
        };
        self.rename_synced_team(origin, change).await
    }
}
