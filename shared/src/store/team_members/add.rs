//! Adding a user to a team.

use super::{LABELS, TeamMemberAction, active, not_held};
use crate::domain::{
    EventDraft, EventType, Status, Team, TeamId, TeamMembership, TeamRole, Transition, UserId,
};
use crate::store::idempotency::{self, IdempotencyRecord};
use crate::store::rows::members::JOINED_TEAMS;
use crate::store::rows::team_members::{as_read, from_row, to_row};
use crate::store::rows::{organizations, teams, users};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, text};
use crate::store::teams::{TeamStanding, TeamView, require_team, requirement};
use crate::store::{Added, Context, Error, IdempotentOutcome, Refusal, Store, access, keys, table};

impl Store {
    /// Adds a user to a team. Requires a manager of its organization or a higher role, a leader of the team, or
    /// a tenant admin.
    ///
    /// Writes one transaction on the condition that the caller has the permission, team and organization are
    /// live, the user is an active member of the organization (for a standalone team: known in the tenant), and
    /// is not in the team. If the user is in the team with the same role, a second transaction only stores the
    /// result for the idempotency key, on the condition that the team membership is unchanged.
    pub async fn add_team_member(
        &self,
        cx: &Context,
        team: &TeamId,
        user: &UserId,
        role: TeamRole,
    ) -> Result<IdempotentOutcome<Added<TeamMembership>>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("add_team_member", |now| async move {
            let key = record.map(IdempotencyRecord::key);
            let read = self.read_team(caller, team, key).await?;
            if let Some(first) = idempotency::found(record, &read)? {
                return Ok(first);
            }
            let view = self.team_view_from(read, caller, team, &[]).await?;
            view.require_lead()?;
            let team = &view.found.team;
            let own = caller.user_id == *user && !caller.tenant_admin;
            let stored = if own && view.standing == TeamStanding::Leads {
                // A leader is already in the team, so only the role remains to be checked.
                let key = keys::team_membership(&caller.tenant_id, user, &team.id);
                from_row(view.items.item(&key).ok_or(Refusal::NotFound)?)?
            } else {
                let membership = TeamMembership::new(team, user.clone(), role, now);
                let put = self.put_into_team(cx, &view, membership);
                match put.await? {
                    Ok(done) => return Ok(done),
                    Err(stored) => stored,
                }
            };
            if stored.status != Status::Active {
                return Err(Refusal::AlreadySuspended.into());
            }
            if stored.role != role {
                return Err(Refusal::AlreadyMember.into());
            }
            let before = stored.clone();
            let hold = |transaction: &mut Transaction<'_, TeamMemberAction>| {
                if !own {
                    require_team(transaction, LABELS, caller, team, view.standing, now);
                    if let Some(organization) = &team.organization_id {
                        let key = keys::membership(&caller.tenant_id, user, organization);
                        transaction.check(TeamMemberAction::User, &key, active());
                    }
                } else if let Some(organization) = &team.organization_id {
                    let key = keys::membership(&caller.tenant_id, user, organization);
                    let condition = requirement(view.standing).condition();
                    transaction.check(TeamMemberAction::Caller, &key, condition);
                }
                if own {
                    access::require_enabled(transaction, caller);
                }
                hold_team(transaction, team);
                let key = keys::team_membership(&caller.tenant_id, user, &team.id);
                transaction.check(TeamMemberAction::Membership, &key, as_read(&before));
            };
            let value = Added::Already(stored);
            if let Some(done) =
                idempotency::unchanged(self, record, TeamMemberAction::Record, hold, value).await?
            {
                return Ok(done);
            }
            Err(Unsettled::Overtaken)
        })
        .await
    }

    /// Adds the user to the team. Returns the existing membership if the user is already in it.
    async fn put_into_team(
        &self,
        cx: &Context,
        view: &TeamView,
        membership: TeamMembership,
    ) -> Result<Result<IdempotentOutcome<Added<TeamMembership>>, TeamMembership>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let team = &view.found.team;
        let (user, now) = (&membership.user_id, membership.created_at);
        let own = caller.user_id == *user && !caller.tenant_admin;
        let event = EventDraft::team_membership(
            EventType::TeamMembershipAdded,
            Transition::Created(&membership),
            Some(&team.name),
        );
        let name = view
            .items
            .name_of(caller, user, team.organization_id.as_ref());
        let origin = cx.origin.clone().naming(user, name);
        let mut transaction = self.transaction(&origin, [event])?;
        if let Some(organization) = &team.organization_id {
            let mut join = ItemChange::new().add(JOINED_TEAMS, 1);
            let mut condition = active();
            if own {
                // A transaction cannot contain two actions on the same item.
                join = join.set("last_active_at", text(now.to_string()));
                condition = requirement(view.standing).condition();
            }
            let key = keys::membership(&caller.tenant_id, user, organization);
            transaction.touch(TeamMemberAction::User, &key, join, condition);
        } else {
            let key = keys::user(&caller.tenant_id, user);
            transaction.check(TeamMemberAction::User, &key, users::is_known());
        }
        hold_team(&mut transaction, team);
        if own {
            access::require_enabled(&mut transaction, caller);
        } else {
            require_team(&mut transaction, LABELS, caller, team, view.standing, now);
        }
        let row = to_row(&membership)?;
        transaction.put(TeamMemberAction::Membership, row, Condition::absent());
        let added = Added::New(membership.clone());
        if let Some(record) = record {
            record.write(&mut transaction, TeamMemberAction::Record, &added)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Ok(IdempotentOutcome::Fresh(added)));
        };
        if let Some(record) = record
            && let Some(first) = record.replay(&unmet, &TeamMemberAction::Record)?
        {
            return Ok(Ok(first));
        }
        if let Some(Some(found)) = unmet.of(&TeamMemberAction::Team)
            && !found.contains_key(teams::DELETED_AT)
        {
            // The team was moved into its organization since it was read.
            return Err(table::Error::Conflict("add_team_member").into());
        }
        not_held(&unmet)?;
        // Checked before the membership in the team, which grants nothing without this one.
        if unmet.of(&TeamMemberAction::User).is_some() {
            let refusal = match &team.organization_id {
                Some(_) if own => {
                    access::refusal(&unmet, &TeamMemberAction::User).unwrap_or(Refusal::Forbidden)
                }
                Some(_) => Refusal::NotAnOrganizationMember,
                None => Refusal::UnknownUser,
            };
            return Err(refusal.into());
        }
        match unmet.of(&TeamMemberAction::Membership) {
            Some(Some(item)) => Ok(Err(from_row(item)?)),
            _ => Err(table::Error::Conflict("add_team_member").into()),
        }
    }
}

/// Makes the transaction conditional on the team and its organization being live.
fn hold_team(transaction: &mut Transaction<'_, TeamMemberAction>, team: &Team) {
    if let Some(organization) = &team.organization_id {
        let key = keys::organization(&team.tenant_id, organization);
        transaction.check(TeamMemberAction::Organization, &key, organizations::live());
    }
    let key = keys::team(&team.tenant_id, &team.id);
    let mut condition = teams::is_there();
    if team.organization_id.is_none() {
        let standalone = Condition::new("attribute_not_exists(#organization_id)");
        condition = condition.and(standalone);
    }
    transaction.check(TeamMemberAction::Team, &key, condition);
}
