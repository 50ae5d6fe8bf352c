//! Changing team memberships, and removing users from teams.

use super::{LABELS, TeamMemberAction, active, as_shown, is_active, not_held};
use crate::domain::{
    Caller, EventDraft, EventType, ExpectedVersion, Status, Team, TeamMemberKey, TeamMembership,
    TeamMembershipPatch, TeamStatus, Timestamp, Transition, UserId,
};
use crate::store::keys;
use crate::store::rows::members::SUSPENDED_BY;
use crate::store::rows::team_members::{as_read, from_row, page_of_team};
use crate::store::rows::teams;
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, Transaction, key_of, number, text};
use crate::store::teams::{TeamStanding, TeamView, require_team};
use crate::store::{Context, Error, Refusal, Store};
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
            let before = view.items.item(key).cloned().ok_or(Refusal::NotFound)?;
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

    /// Removes a user from a team. Succeeds if the user is not in it. Requires a manager of its organization or
    /// a higher role, a leader of the team, a tenant admin, or the user themselves unless suspended.
    ///
    /// Refuses to remove a membership managed by the directory, unless a tenant admin forces it.
    pub async fn remove_team_member(
        &self,
        cx: &Context,
        TeamMemberKey { team, user }: TeamMemberKey<'_>,
        force: bool,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let is_self = caller.user_id == *user;
        let key = &key;
        self.until_settled("remove_team_member", |now| async move {
            let first = self.read_team(caller, team, None).await?;
            if is_self && first.item(key).is_none() && !caller.tenant_admin {
                // Already removed. Reveals nothing about the team.
                return Ok(());
            }
            let own = first.item(key).filter(|_| is_self).cloned();
            let own = own.map(from_row).transpose()?;
            let is_suspended = own.is_some_and(|own| own.status != Status::Active);
            let is_standalone = is_standalone(first.item(&keys::team(&caller.tenant_id, team)))?;
            let more = std::slice::from_ref(key);
            let view = match self.team_view_from(first, caller, team, more).await {
                // A suspended member of a standalone team cannot see it, but must not get the response for a
                // user who is not in it.
                Err(Error::Refused(Refusal::NotFound)) if is_suspended && is_standalone => {
                    return Err(Refusal::Forbidden.into());
                }
                view => view?,
            };
            if is_suspended || !is_self {
                view.require_lead()?;
            }
            let Some(before) = view.items.item(key).cloned() else {
                return Ok(());
            };
            let before = from_row(before)?;
            expected.require(before.version)?;
            if before.source.is_directory() && !(force && caller.tenant_admin) {
                return Err(Refusal::DirectoryManaged.into());
            }
            let event = EventDraft::team_membership(
                EventType::TeamMembershipRemoved,
                Transition::Removed(&before),
                Some(&view.found.team.name),
            );
            let organization = view.found.team.organization_id.as_ref();
            let name = view.items.name_of(caller, user, organization);
            let origin = cx.origin.clone().naming(user, name);
            let mut transaction = self.transaction(&origin, [event])?;
            require_for_target(&mut transaction, caller, user, &view, now);
            transaction.delete(TeamMemberAction::Membership, key, as_read(&before));
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => {
                    not_held(&unmet)?;
                    Err(Unsettled::Overtaken)
                }
            }
        })
        .await
    }

    /// Removes all members of a deleted team. Memberships that remain after a failure or a timeout have no
    /// effect and are not shown anywhere.
    pub(in crate::store) async fn clear_team(&self, team: &Team) {
        let (tenant, id) = (&team.tenant_id, &team.id);
        let cleared = async {
            let mut after = None;
            loop {
                let (items, last) = page_of_team(&self.table, tenant, id, after.as_ref()).await?;
                let keys: Vec<_> = items.iter().flat_map(key_of).collect();
                self.table.delete_batch(&keys).await?;
                if last.is_none() {
                    return Ok::<_, Error>(());
                }
                after = last;
            }
        };
        let _ = tokio::time::timeout(self.table.retry_budget(), cleared).await;
    }
}

impl Store {
    /// Removes the members left in a team that was deleted at `deleted_at`, so that it can be restored without
    /// members.
    pub(in crate::store) async fn clear_left_over(
        &self,
        team: &Team,
        deleted_at: &str,
    ) -> Result<(), Error> {
        let (tenant, id) = (&team.tenant_id, &team.id);
        let mut after = None;
        loop {
            let (items, last) = page_of_team(&self.table, tenant, id, after.as_ref()).await?;
            for item in items {
                let user = from_row(item)?.user_id;
                // Keeps members who joined since: another request may have restored the team meanwhile.
                let before = Condition::new("#created_at <= :deleted_at")
                    .value(":deleted_at", text(deleted_at));
                let key = keys::team_membership(tenant, &user, id);
                self.table.delete(&key, before).await?;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }
}

/// Returns whether the team is live and in no organization.
fn is_standalone(team: Option<&Item>) -> Result<bool, Error> {
    let team = team.cloned().map(teams::live_from_row).transpose()?;
    Ok(team
        .flatten()
        .is_some_and(|team| team.organization_id.is_none()))
}

/// Like [`require_team`], except when a leader changes their own team membership: the change itself is
/// conditional on the version of that membership that was read.
fn require_for_target(
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
