//! Changing a team membership.

use super::{LABELS, TeamMemberAction, active, as_shown, is_active, not_held};
use crate::domain::{
    Caller, EventDraft, EventType, ExpectedVersion, TeamMemberKey, TeamMembership,
    TeamMembershipPatch, TeamStatus, Timestamp, Transition, UserId,
};
use crate::store::rows::members::SUSPENDED_BY;
use crate::store::rows::team_members::{as_read, from_row};
use crate::store::rows::teams;
use crate::store::settle::Unsettled;
use crate::store::table::{ItemChange, Transaction, number, text};
use crate::store::teams::{TeamStanding, TeamView, require_team};
use crate::store::{Context, Error, Refusal, Store, keys};
use serde_json::Value;

impl Store {
    /// Changes a team membership. Requires a manager of its organization or a higher role, a leader of the
    /// team, or a tenant admin. Writes on the condition that the version is unchanged since the read and the
    /// caller has the permission; to activate a membership, also that the user is an active member of the
    /// organization.
    pub async fn update_team_membership(
        &self,
        cx: &Context,
        TeamMemberKey { team, user }: TeamMemberKey<'_>,
        patch: TeamMembershipPatch,
        expected: &ExpectedVersion,
    ) -> Result<TeamMembership, Error> {
        let caller = &cx.caller;
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let (key, patch) = (&key, &patch);
        self.until_settled("update_team_membership", |now| async move {
            let view = self.team_view_with(caller, team, user).await?;
            view.require_lead()?;
            let before = view.items.item(key).ok_or(Refusal::NotFound)?;
            let before = from_row(before)?;
            expected.require(before.version)?;
            let own = view.membership_in_organization(user)?;
            let counts = view.found.organization.is_none() || is_active(own.as_ref());
            let activates = patch.status == Some(TeamStatus::Active);
            if activates && !counts {
                return Err(Refusal::NotAnOrganizationMember.into());
            }
            let after = patch.apply(&before, now);
            // Confirming a suspension made by the sync turns it into a manual one.
            let takes_over = patch.status.is_some()
                && view
                    .items
                    .item(key)
                    .is_some_and(|item| item.contains_key(SUSPENDED_BY));
            if after == before && !takes_over {
                return Ok(as_shown(before, counts));
            }
            let after = TeamMembership {
                version: before.version + 1,
                updated_at: now,
                ..after
            };
            let mut event = EventDraft::team_membership(
                EventType::TeamMembershipUpdated,
                Transition::Changed(&before, &after),
                Some(&view.found.team.name),
            );
            if takes_over {
                let (from, to) = (before.source.as_str().into(), Value::Null);
                event = event.with_change(SUSPENDED_BY, from, to);
            }
            let organization = view.found.team.organization_id.as_ref();
            let name = view.items.name_of(caller, user, organization);
            let origin = cx.origin.clone().naming(user, name);
            let mut transaction = self.transaction(&origin, [event])?;
            require_for_target(&mut transaction, caller, user, &view, now);
            let is_checked = caller.user_id == *user && !caller.tenant_admin;
            if activates
                && !is_checked
                && let Some(organization) = &view.found.team.organization_id
            {
                let key = keys::membership(&caller.tenant_id, user, organization);
                transaction.check(TeamMemberAction::User, &key, active());
            }
            let mut change = ItemChange::new()
                .set("role", text(after.role.as_str()))
                .set("status", text(after.status.as_str()))
                .set("version", number(after.version))
                .set("updated_at", text(now.to_string()));
            if patch.status.is_some() {
                change = change.remove(SUSPENDED_BY);
            }
            transaction.update(TeamMemberAction::Membership, key, change, as_read(&before));
            match transaction.commit().await? {
                Ok(()) => Ok(as_shown(after, counts)),
                Err(unmet) => {
                    not_held(&unmet)?;
                    Err(Unsettled::Overtaken)
                }
            }
        })
        .await
    }
}

/// Like [`require_team`], except when a leader changes their own team membership: the change itself is
/// conditional on the version of that membership that was read.
pub(super) fn require_for_target(
    transaction: &mut Transaction<'_, TeamMemberAction>,
    caller: &Caller,
    user: &UserId,
    view: &TeamView,
    now: Timestamp,
) {
    let own = caller.user_id == *user;
    let standing = match view.standing {
        TeamStanding::Leads if own => TeamStanding::Sees,
        standing => standing,
    };
    require_team(transaction, LABELS, caller, &view.found.team, standing, now);
    let key = keys::team(&caller.tenant_id, &view.found.team.id);
    transaction.check(TeamMemberAction::Team, &key, teams::is_there());
}
