//! Restoring a team that the login sync created.

use super::{TeamAction, TeamWithLimits, not_changed};
use crate::domain::{
    Caller, EventDraft, EventType, ExpectedVersion, Status, Team, TeamId, Transition,
};
use crate::store::access::View;
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::rows::team_members;
use crate::store::rows::teams::{DELETED_AT, from_row, is_there, to_row};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, number, text, text_of};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, in_version, keys};

impl Store {
    /// Restores a team of the login sync that was deleted by hand, with its name, limits and metadata, and
    /// without members. Leaves a team that is not deleted unchanged. Requires a tenant admin.
    ///
    /// Makes two reads, and a query for what the deletion left behind. Then writes one transaction on the
    /// condition that the team is still deleted in the version read, its organization is live, and its name is
    /// free.
    pub async fn restore_team(
        &self,
        cx: &Context,
        id: &TeamId,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<TeamWithLimits>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let key = keys::team(&caller.tenant_id, id);
        let key = &key;
        self.until_settled("restore_team", |now| async move {
            let first = self
                .read_team(caller, id, record.map(IdempotencyRecord::key))
                .await?;
            if let Some(first) = idempotency::found(record, &first)? {
                return Ok(first);
            }
            let item = first.item(key).ok_or(Refusal::NotFound)?;
            let deleted_at = if item.contains_key(DELETED_AT) {
                Some(text_of(item, DELETED_AT)?.to_owned())
            } else {
                None
            };
            let before = from_row(item)?;
            if !caller.tenant_admin {
                let refusal = self.restore_refusal(caller, &first, &before, deleted_at.is_some());
                return Err(refusal.await?.into());
            }
            let mut organization_limits = None;
            if let Some(id) = &before.organization_id {
                let view = self.view(caller, id, &[]).await?;
                organization_limits = Some(view.organization(caller, id, now)?.limits);
            }
            expected.require(before.version)?;
            let Some(deleted_at) = deleted_at else {
                let hold = |transaction: &mut Transaction<'_, TeamAction>| {
                    let unchanged = in_version(before.version).and(is_there());
                    transaction.check(TeamAction::Team, key, unchanged);
                    super::hold_organization_of(transaction, &before, None);
                };
                let found = TeamWithLimits {
                    team: before.clone(),
                    organization_limits,
                };
                let done =
                    idempotency::unchanged(self, record, TeamAction::Record, hold, found).await?;
                if let Some(done) = done {
                    return Ok(done);
                }
                return Err(Unsettled::Overtaken);
            };
            self.clear_left_over(&before, &deleted_at).await?;
            let restored = TeamWithLimits {
                team: Team {
                    version: before.version + 1,
                    updated_at: now,
                    ..before.clone()
                },
                organization_limits,
            };
            let created = Transition::Changed(&before, &restored.team);
            let event = EventDraft::team(EventType::TeamRestored, created);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let change = restored_row(&restored.team)?;
            let deleted = in_version(before.version)
                .and(Condition::new(format!("attribute_exists(#{DELETED_AT})")));
            transaction.update(TeamAction::Team, key, change, deleted);
            super::hold_organization_of(&mut transaction, &before, None);
            super::reserve_team_name(&mut transaction, TeamAction::NewName, &restored.team)?;
            if let Some(record) = record {
                record.write(&mut transaction, TeamAction::Record, &restored)?;
            }
            match transaction.commit().await? {
                Ok(()) => Ok(IdempotentOutcome::Fresh(restored)),
                // The next attempt finds the record.
                Err(unmet) if unmet.of(&TeamAction::Record).is_some() => Err(Unsettled::Overtaken),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Returns the refusal for a caller without the permission: 404 unless they are in the organization or see
    /// the team.
    async fn restore_refusal(
        &self,
        caller: &Caller,
        first: &View,
        team: &Team,
        is_deleted: bool,
    ) -> Result<Refusal, Error> {
        if let Some(id) = &team.organization_id {
            let view = self.view(caller, id, &[]).await?;
            view.organization(caller, id, self.clock.now())?;
            view.standing(caller, id)?;
            return Ok(Refusal::Forbidden);
        }
        let own = keys::team_membership(&caller.tenant_id, &caller.user_id, &team.id);
        let own = first.item(&own).map(team_members::from_row);
        let is_member = own
            .transpose()?
            .is_some_and(|own| own.status == Status::Active);
        Ok(if is_member && !is_deleted {
            Refusal::Forbidden
        } else {
            Refusal::NotFound
        })
    }
}

fn restored_row(after: &Team) -> Result<ItemChange, Error> {
    let row = to_row(after)?;
    let change = ItemChange::new()
        .remove(DELETED_AT)
        .set("version", number(after.version))
        .set("updated_at", text(after.updated_at.to_string()));
    Ok(change.take("gsi1pk", &row).take("gsi1sk", &row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Failure, Fake};
    use crate::store::samples::{
        now, organization_id, organization_row, request_of_admin, team, team_row, tenant, with_key,
    };

    #[tokio::test]
    async fn a_repeated_request_is_answered_before_the_name_is_taken() {
        let one = team(Some(organization_id()));
        let cx = with_key(request_of_admin());
        let name = one.name.folded();
        let name = keys::team_name_reservation(&tenant(), &organization_id(), &name);
        let record = cx.record().unwrap().key().clone();
        let both = Failure::Unmet(vec![(record, None), (name, None)]);
        let deleted = team_row(&one, &[(DELETED_AT, "2026-11-28T10:00:00.000Z")]);
        let fake = Fake::with([organization_row(), deleted]).fail(both);
        let (store, any) = (fake.store(), ExpectedVersion::ANY);
        assert!(store.restore_team(&cx, &one.id, &any).await.is_ok());
        assert_eq!(fake.writes().len(), 2);
        let write = fake.last_write_of(&keys::team(&tenant(), &one.id)).unwrap();
        assert_eq!(write.value("updated_at"), Some(&*now().to_string()));
    }
}
