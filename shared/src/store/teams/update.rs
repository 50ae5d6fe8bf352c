//! Changing a team.

use super::delete::release_team_name;
use super::{CHANGEABLE, LABELS, TeamAction, TeamInOrganization, TeamStanding, not_changed};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, Name, Origin, Team, TeamId, TeamPatch, Transition,
};
use crate::store::naming::{NamedChange, renamed};
use crate::store::rows::organizations::SYNCED_NAME;
use crate::store::rows::teams::to_row;
use crate::store::table::{ItemChange, Transaction, text};
use crate::store::{Context, Error, Refusal, Store, WriteOutcome, in_version, keys};

impl Store {
    /// Changes a team. Requires a manager of its organization or a higher role, a leader of the team, or a
    /// tenant admin. Leaders cannot change the limits.
    ///
    /// Writes one transaction on the condition that the version is unchanged since the read, the caller has the
    /// permission, a new name is free, and, for new limits, the organization is still in the version they were
    /// compared with.
    pub async fn update_team(
        &self,
        cx: &Context,
        id: &TeamId,
        patch: &TeamPatch,
        expected: &ExpectedVersion,
    ) -> Result<TeamInOrganization, Error> {
        let caller = &cx.caller;
        self.until_settled("update_team", |now| async move {
            let view = self.team_view(caller, id).await?;
            view.require_lead()?;
            if !patch.limits.is_keep() && view.standing != TeamStanding::Manages {
                return Err(Refusal::Forbidden.into());
            }
            let reserved = view.reserved_name();
            let TeamInOrganization {
                team: before,
                organization,
            } = view.found;
            expected.require(before.version)?;
            let after = patch
                .apply(&before, now)
                .map_err(|reason| Refusal::Invalid {
                    field: "/metadata",
                    reason,
                })?;
            let new_limits = organization
                .as_ref()
                .filter(|_| after.limits != before.limits);
            if let Some(organization) = new_limits {
                let exceeding = after.limits.exceeding(&before.limits, &organization.limits);
                if !exceeding.is_empty() {
                    return Err(Refusal::BudgetExceedsOrganization(exceeding).into());
                }
            }
            if after == before {
                return Ok(TeamInOrganization {
                    team: before,
                    organization,
                });
            }

            let changed = Transition::Changed(&before, &after);
            let event = EventDraft::team(EventType::TeamUpdated, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            super::require_team(
                &mut transaction,
                LABELS,
                caller,
                &before,
                view.standing,
                now,
            );
            super::hold_organization_of(&mut transaction, &before, new_limits);
            let change = NamedChange {
                before: &before,
                reserved: &reserved,
                after: &after,
            };
            write_team_change(&mut transaction, change, None)?;
            match transaction.commit().await? {
                Ok(()) => Ok(TeamInOrganization {
                    team: after,
                    organization,
                }),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Renames a team that the login sync created, if it is unchanged since it was read.
    pub(in crate::store) async fn rename_synced_team(
        &self,
        origin: &Origin,
        change: NamedChange<'_, Team>,
    ) -> Result<WriteOutcome, Error> {
        let event = EventDraft::team(EventType::TeamUpdated, change.transition());
        let event = event.because_of(&change.before.id);
        let mut transaction = self.transaction(origin, [event])?;
        write_team_change(&mut transaction, change, Some(&change.after.name))?;
        Ok(renamed(transaction.commit().await?, &TeamAction::Team))
    }
}

fn write_team_change(
    transaction: &mut Transaction<'_, TeamAction>,
    NamedChange {
        before,
        reserved,
        after,
    }: NamedChange<'_, Team>,
    synced_name: Option<&Name>,
) -> Result<(), Error> {
    let mut item = to_row(after)?;
    let keeps_name = before.name == after.name;
    if keeps_name && let Some(place) = item.get_mut("gsi1sk") {
        // The sort key in the index uses the same form of the name as the reservation.
        *place = text(keys::team_by_name(reserved, &after.id));
    }
    let mut change = ItemChange::taking(&CHANGEABLE, &item);
    if let Some(name) = synced_name {
        change = change.set(SYNCED_NAME, text(name.as_str()));
    }
    let key = keys::team(&before.tenant_id, &before.id);
    transaction.update(TeamAction::Team, &key, change, in_version(before.version));
    if !keeps_name && *reserved != after.name.folded() {
        release_team_name(transaction, before, reserved);
        super::reserve_team_name(transaction, TeamAction::NewName, after)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TeamPatch;
    use crate::store::fake::Fake;
    use crate::store::samples::{
        organization_id, organization_row, request_of_admin, team, team_row, tenant,
    };

    #[tokio::test]
    async fn a_name_in_other_letters_keeps_its_reservation() {
        let one = team(Some(organization_id()));
        let key = keys::team_name_reservation(&tenant(), &organization_id(), &one.name.folded());
        for (name, is_released) in [("SALES", false), ("Other", true)] {
            let fake = Fake::with([organization_row(), team_row(&one, &[])]);
            let (store, cx) = (fake.store(), request_of_admin());
            let patch = TeamPatch {
                name: Some(name.parse().unwrap()),
                ..TeamPatch::default()
            };
            let updated = store.update_team(&cx, &one.id, &patch, &ExpectedVersion::ANY);
            updated.await.unwrap();
            assert_eq!(fake.last_write_of(&key).is_some(), is_released, "{name}");
        }
    }
}
