//! Creating a team.

use super::{LABELS, TeamAction, TeamStanding, TeamWithLimits, not_changed};
use crate::domain::{EventDraft, EventType, Limits, Permission, Team, Transition};
use crate::store::rows::teams::to_row;
use crate::store::settle::Unsettled;
use crate::store::table::Condition;
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, idempotency, table};

impl Store {
    /// Creates a team. Requires a manager of the organization or a higher role, or a tenant admin; a standalone
    /// team requires a tenant admin.
    ///
    /// For a team in an organization, reads the organization first. Then writes one transaction on the
    /// condition that the caller has the permission, the organization is live and, if the team has limits,
    /// still in the version they were compared with, and the name is free.
    pub async fn create_team(
        &self,
        cx: &Context,
        team: &Team,
    ) -> Result<IdempotentOutcome<TeamWithLimits>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("create_team", |_| async move {
            let mut organization = None;
            if let Some(id) = &team.organization_id {
                let keys: Vec<_> = record.iter().map(|record| record.key()).collect();
                let view = self.view(caller, id, &keys).await?;
                if let Some(first) = idempotency::found(record, &view)? {
                    return Ok(first);
                }
                let found = view.organization(caller, id, team.created_at)?;
                view.standing(caller, id)?
                    .require(Permission::ManageTeams)?;
                let exceeding = team.limits.exceeding(&Limits::default(), &found.limits);
                if !exceeding.is_empty() {
                    return Err(Refusal::BudgetExceedsOrganization(exceeding).into());
                }
                organization = Some(found);
            } else if !caller.tenant_admin {
                return Err(Refusal::Forbidden.into());
            }

            let created = Transition::Created(team);
            let event = EventDraft::team(EventType::TeamCreated, created);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let standing = TeamStanding::Manages;
            let now = team.created_at;
            super::require_team(&mut transaction, LABELS, caller, team, standing, now);
            let has_limits = team.limits != Limits::default();
            let limits_of = organization.as_ref().filter(|_| has_limits);
            super::hold_organization_of(&mut transaction, team, limits_of);
            transaction.put(TeamAction::Team, to_row(team)?, Condition::absent());
            super::reserve_team_name(&mut transaction, TeamAction::NewName, team)?;
            let created = TeamWithLimits {
                team: team.clone(),
                organization_limits: organization.map(|organization| organization.limits),
            };
            if let Some(record) = record {
                record.write(&mut transaction, TeamAction::Record, &created)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(created));
            };
            if let Some(record) = record
                && let Some(first) = record.replay(&unmet, &TeamAction::Record)?
            {
                return Ok(first);
            }
            match not_changed(&unmet) {
                // The random id already exists.
                Unsettled::Overtaken if unmet.of(&TeamAction::Organization).is_none() => {
                    Err(table::Error::Conflict("create_team").into())
                }
                unsettled => Err(unsettled),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;
    use crate::store::keys;
    use crate::store::samples::{request_of_admin, team, team_row, tenant};

    #[tokio::test]
    async fn a_team_whose_id_exists_is_not_created_again() {
        let one = team(None);
        let key = keys::team(&tenant(), &one.id);
        let fake = Fake::default().unmet(key, Some(team_row(&one, &[])));
        let created = fake.store().create_team(&request_of_admin(), &one).await;
        assert!(matches!(
            created,
            Err(Error::Table(table::Error::Conflict("create_team")))
        ));
    }
}
