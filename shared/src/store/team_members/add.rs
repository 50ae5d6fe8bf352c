//! Putting a user into a team.

use super::change::as_read;
use super::{Action, JOINED_TEAMS, active, from_row, not_held, to_row};
use crate::domain::{Caller, Status, Team, TeamId, TeamMembership, TeamRole, UserId};
use crate::store::idempotency::{self, Record};
use crate::store::settle::Unsettled;
use crate::store::table::{Change, Condition, Transaction, text};
use crate::store::teams::{TeamStanding, TeamView};
use crate::store::{
    Added, Context, Error, Outcome, Refusal, Store, access, keys, organizations, table, teams,
};

impl Store {
    /// Puts a user into a team. For managers of its organization and up, its leaders, and tenant
    /// admins.
    ///
    /// One transaction: the caller may, team and organization are there, the user is an active
    /// member of the organization (known in the tenant, for a standalone team), and not in the team.
    /// Where they are in it, with the same role, there is another transaction only to keep the answer, on
    /// the condition that their team membership is still as it was.
    pub async fn add_team_member(
        &self,
        cx: &Context,
        team: &TeamId,
        (user, role): (&UserId, TeamRole),
    ) -> Result<Outcome<Added<TeamMembership>>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("add_team_member", |now| async move {
            let key = record.map(Record::key);
            let read = self.read_team(caller, team, key).await?;
            if let Some(first) = idempotency::found(record, &read)? {
                return Ok(first);
            }
            let view = self.team_view_from(read, caller, team, &[]).await?;
            view.require_lead()?;
            let team = &view.found.team;
            let own = caller.user_id == *user && !caller.tenant_admin;
            let stored = if own && view.standing == TeamStanding::Leads {
                // Who leads a team is in it: what is left to tell is with which role.
                let key = keys::team_membership(&caller.tenant_id, user, &team.id);
                from_row(view.items.item(&key).cloned().ok_or(Refusal::NotFound)?)?
            } else {
                let membership = TeamMembership::new(team, user.clone(), role, now);
                let put = self.put_into_team(caller, &view, membership, record);
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
            let hold = |transaction: &mut Transaction<'_, Action>| {
                if !own {
                    let parts = (Action::Caller, Action::Leader);
                    let how = (team, view.standing);
                    teams::require_team(transaction, parts, caller, how, now);
                    if let Some(organization) = &team.organization_id {
                        let key = keys::membership(&caller.tenant_id, user, organization);
                        transaction.check(Action::User, &key, active());
                    }
                } else if let Some(organization) = &team.organization_id {
                    let key = keys::membership(&caller.tenant_id, user, organization);
                    let condition = teams::requirement(view.standing).condition();
                    transaction.check(Action::Caller, &key, condition);
                }
                hold_team(transaction, team);
                let key = keys::team_membership(&caller.tenant_id, user, &team.id);
                transaction.check(Action::Membership, &key, as_read(&before));
            };
            let (record, value) = ((record, Action::Record), Added::Already(stored));
            if let Some(done) = idempotency::unchanged(self, record, hold, value).await? {
                return Ok(done);
            }
            Err(Unsettled::Overtaken)
        })
        .await
    }

    /// Puts the user in, who may not be there: else the membership that is.
    async fn put_into_team(
        &self,
        caller: &Caller,
        view: &TeamView,
        membership: TeamMembership,
        record: Option<&Record>,
    ) -> Result<Result<Outcome<Added<TeamMembership>>, TeamMembership>, Error> {
        let team = &view.found.team;
        let (user, now) = (&membership.user_id, membership.created_at);
        let own = caller.user_id == *user && !caller.tenant_admin;
        let mut transaction = self.transaction();
        if let Some(organization) = &team.organization_id {
            let mut join = Change::new().add(JOINED_TEAMS, 1);
            let mut condition = active();
            if own {
                // No two actions of a transaction may name one item.
                join = join.set("last_active_at", text(now.to_string()));
                condition = teams::requirement(view.standing).condition();
            }
            let key = keys::membership(&caller.tenant_id, user, organization);
            transaction.touch(Action::User, &key, join, condition);
        } else {
            let key = keys::user(&caller.tenant_id, user);
            transaction.check(Action::User, &key, Condition::present());
        }
        hold_team(&mut transaction, team);
        if !own {
            let parts = (Action::Caller, Action::Leader);
            let how = (team, view.standing);
            teams::require_team(&mut transaction, parts, caller, how, now);
        }
        let row = to_row(&membership)?;
        transaction.put(Action::Membership, row, Condition::absent());
        let added = Added::New(membership.clone());
        if let Some(record) = record {
            record.write(&mut transaction, Action::Record, &added)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Ok(Outcome::Fresh(added)));
        };
        if let Some(record) = record
            && let Some(first) = record.replay(&unmet, &Action::Record)?
        {
            return Ok(Ok(first));
        }
        if let Some(Some(found)) = unmet.of(&Action::Team)
            && !found.contains_key(teams::DELETED_AT)
        {
            // Put into its organization since it was read.
            return Err(table::Error::Conflict("add_team_member").into());
        }
        not_held(&unmet)?;
        // Before their membership in the team, which grants nothing without this one.
        if unmet.of(&Action::User).is_some() {
            let refusal = match &team.organization_id {
                Some(_) if own => {
                    access::refusal(&unmet, &Action::User).unwrap_or(Refusal::Forbidden)
                }
                Some(_) => Refusal::NotAnOrganizationMember,
                None => Refusal::UnknownUser,
            };
            return Err(refusal.into());
        }
        match unmet.of(&Action::Membership) {
            Some(Some(item)) => Ok(Err(from_row(item.clone())?)),
            _ => Err(table::Error::Conflict("add_team_member").into()),
        }
    }
}

/// On the condition that the team is there, and its organization.
fn hold_team(transaction: &mut Transaction<'_, Action>, team: &Team) {
    if let Some(organization) = &team.organization_id {
        let key = keys::organization(&team.tenant_id, organization);
        transaction.check(Action::Organization, &key, organizations::live());
    }
    let key = keys::team(&team.tenant_id, &team.id);
    let mut condition = teams::is_there();
    if team.organization_id.is_none() {
        let standalone = Condition::new("attribute_not_exists(#organization_id)");
        condition = condition.and(standalone);
    }
    transaction.check(Action::Team, &key, condition);
}
