//! Removing users from teams.

use super::update::require_for_target;
use super::{TeamMemberAction, not_held};
use crate::domain::{EventDraft, EventType, ExpectedVersion, Status, TeamMemberKey, Transition};
use crate::store::rows::team_members::{as_read, from_row};
use crate::store::rows::teams;
use crate::store::settle::Unsettled;
use crate::store::table::Item;
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
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
            let own = first.item(key).filter(|_| is_self);
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
            let Some(before) = view.items.item(key) else {
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
}

/// Returns whether the team is live and in no organization.
fn is_standalone(team: Option<&Item>) -> Result<bool, Error> {
    let team = team.map(teams::live_from_row).transpose()?;
    Ok(team
        .flatten()
        .is_some_and(|team| team.organization_id.is_none()))
}
