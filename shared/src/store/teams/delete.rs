//! Deleting a team.

use super::{LABELS, TeamAction, TeamStanding, not_changed};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, FoldedName, Source, Team, TeamId, Transition,
};
use crate::store::rows::teams::DELETED_AT;
use crate::store::table::{Condition, ItemChange, Transaction, number, text};
use crate::store::{Context, Error, Refusal, Store, in_version, keys};

impl Store {
    /// Deletes a team and removes all its members. Requires a manager of its organization or a higher role, or
    /// a tenant admin.
    ///
    /// Deletes the team, and with it every permission in it, in one transaction. Then deletes the memberships,
    /// which no longer have any effect, as far as the time of the request allows.
    pub async fn delete_team(
        &self,
        cx: &Context,
        id: &TeamId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        self.until_settled("delete_team", |now| async move {
            let view = self.team_view(caller, id).await?;
            if view.standing != TeamStanding::Manages {
                return Err(Refusal::Forbidden.into());
            }
            let reserved = view.reserved_name();
            let team = view.found.team;
            expected.require(team.version)?;
            let event = EventDraft::team(EventType::TeamDeleted, Transition::Removed(&team));
            let mut transaction = self.transaction(&cx.origin, [event])?;
            super::require_team(
                &mut transaction,
                LABELS,
                caller,
                &team,
                TeamStanding::Manages,
                now,
            );
            let key = keys::team(&caller.tenant_id, id);
            let unchanged = in_version(team.version);
            match team.source {
                Source::Manual | Source::Domain | Source::Invitation => {
                    transaction.delete(TeamAction::Team, &key, unchanged);
                }
                Source::Entra | Source::Scim => {
                    let deleted = ItemChange::new()
                        .set(DELETED_AT, text(now.to_string()))
                        .set("version", number(team.version + 1))
                        .remove("gsi1pk")
                        .remove("gsi1sk");
                    transaction.update(TeamAction::Team, &key, deleted, unchanged);
                }
            }
            release_team_name(&mut transaction, &team, &reserved);
            match transaction.commit().await? {
                Ok(()) => {
                    self.clear_team(&team).await;
                    Ok(())
                }
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}

/// Makes the name of a team of an organization free again.
pub(super) fn release_team_name(
    transaction: &mut Transaction<'_, TeamAction>,
    team: &Team,
    reserved: &FoldedName,
) {
    let Some(organization) = &team.organization_id else {
        return;
    };
    let key = keys::team_name_reservation(&team.tenant_id, organization, reserved);
    let own = Condition::new("attribute_not_exists(#pk) OR #team_id = :team")
        .value(":team", text(team.id.as_str()));
    transaction.delete(TeamAction::OldName, &key, own);
}
