//! Who may do what with a team: read, to tell; and as a condition of a write, to hold.

use super::{TeamInOrganization, TeamStanding, TeamView, from_row, live_from_row, requirement};
use crate::domain::{
    Caller, Permission, Status, Team, TeamId, TeamMembership, TeamRole, Timestamp, UserId,
};
use crate::store::access::{self, Standing, View};
use crate::store::keys::{self, Key};
use crate::store::table::{Condition, Transaction, text};
use crate::store::{Error, Refusal, Store, team_members};

impl Store {
    /// Reads a team, what the caller is in it, and what else is wanted, in one call.
    pub(in crate::store) async fn read_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        more: Option<&Key>,
    ) -> Result<View, Error> {
        let team = keys::team(&caller.tenant_id, id);
        let own = keys::team_membership(&caller.tenant_id, &caller.user_id, id);
        let wanted: Vec<_> = [&team, &own].into_iter().chain(more).collect();
        self.read(&wanted).await
    }

    /// Reads a team, its organization and what the caller is in both: the team first, which alone
    /// tells its organization.
    pub(in crate::store) async fn team_view(
        &self,
        caller: &Caller,
        id: &TeamId,
    ) -> Result<TeamView, Error> {
        let first = self.read_team(caller, id, None).await?;
        self.team_view_from(first, caller, id, &[]).await
    }

    /// As [`Store::team_view`], with what a user is in the team and in its organization.
    pub(in crate::store) async fn team_view_with(
        &self,
        caller: &Caller,
        id: &TeamId,
        user: &UserId,
    ) -> Result<TeamView, Error> {
        let tenant = &caller.tenant_id;
        let first = self.read_team(caller, id, None).await?;
        let mut more = vec![keys::team_membership(tenant, user, id)];
        if let Some(item) = first.item(&keys::team(tenant, id))
            && let Some(organization) = from_row(item.clone())?.organization_id
        {
            more.push(keys::membership(tenant, user, &organization));
        }
        self.team_view_from(first, caller, id, &more).await
    }

    /// As [`Store::team_view`], from what [`Store::read_team`] read, and with what else is wanted.
    pub(in crate::store) async fn team_view_from(
        &self,
        mut first: View,
        caller: &Caller,
        id: &TeamId,
        more: &[Key],
    ) -> Result<TeamView, Error> {
        let team_key = keys::team(&caller.tenant_id, id);
        let own_key = keys::team_membership(&caller.tenant_id, &caller.user_id, id);
        let item = first.item(&team_key).ok_or(Refusal::NotFound)?;
        let team = live_from_row(item.clone())?.ok_or(Refusal::NotFound)?;
        let own = first
            .item(&own_key)
            .cloned()
            .map(team_members::from_row)
            .transpose()?;
        let member = own.as_ref().is_some_and(|own| own.status == Status::Active);
        let leader = own.as_ref().is_some_and(TeamMembership::leads);
        // What they are let through by is what they change, too: it is not read again.
        let wanted: Vec<_> = more.iter().filter(|key| **key != own_key).collect();

        let Some(organization_id) = team.organization_id.clone() else {
            let standing = match (caller.tenant_admin, leader, member) {
                (true, _, _) => TeamStanding::Manages,
                (_, true, _) => TeamStanding::Leads,
                (_, _, true) => TeamStanding::Sees,
                _ => return Err(Refusal::NotFound.into()),
            };
            if !wanted.is_empty() {
                first.extend(self.read(&wanted).await?);
            }
            return Ok(TeamView {
                found: TeamInOrganization {
                    team,
                    organization: None,
                },
                standing,
                items: first,
            });
        };
        let view = self.view(caller, &organization_id, &wanted).await?;
        let organization = view.organization(caller, &organization_id, self.clock.now())?;
        let in_organization = view.membership(&access::own_key(caller, &organization_id))?;
        let standing = match access::standing(caller, in_organization.as_ref())? {
            one if one.grants(Permission::ManageTeams) => TeamStanding::Manages,
            Standing::Member(_) if leader => TeamStanding::Leads,
            _ => TeamStanding::Sees,
        };
        first.extend(view);
        Ok(TeamView {
            found: TeamInOrganization {
                team,
                organization: Some(organization),
            },
            standing,
            items: first,
        })
    }
}

/// That a team membership leads its team.
fn leads() -> Condition {
    Condition::new("#status = :active AND #role = :leader")
        .value(":active", text(Status::Active.as_str()))
        .value(":leader", text(TeamRole::Leader.as_str()))
}

/// Makes the right to change a team, by which the caller was let through, part of the
/// transaction.
pub(in crate::store) fn require_team<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    (caller_part, leader_part): (L, L),
    caller: &Caller,
    (team, standing): (&Team, TeamStanding),
    now: Timestamp,
) {
    if caller.tenant_admin {
        return;
    }
    if let Some(organization) = &team.organization_id {
        let who = (caller, organization);
        access::require(transaction, caller_part, who, requirement(standing), now);
    }
    if standing == TeamStanding::Leads {
        let key = keys::team_membership(&caller.tenant_id, &caller.user_id, &team.id);
        transaction.check(leader_part, &key, leads());
    }
}
