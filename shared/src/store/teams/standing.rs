//! Permissions on teams: evaluated on read, and enforced as conditions of writes.

use super::{TeamInOrganization, TeamStanding, TeamView, requirement};
use crate::domain::{
    Caller, Permission, Status, Team, TeamId, TeamMembership, TeamRole, Timestamp, UserId,
};
use crate::store::access::{self, Standing, View};
use crate::store::keys::{self, Key};
use crate::store::rows::team_members;
use crate::store::rows::teams::{from_row, live_from_row};
use crate::store::table::{Condition, Transaction, text};
use crate::store::{Error, Refusal, Store};

impl Store {
    /// Reads a team, the caller's membership in it and profile, and the item `more`, in one call. Refuses a disabled
    /// caller.
    pub(in crate::store) async fn read_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        more: Option<&Key>,
    ) -> Result<View, Error> {
        let team = keys::team(&caller.tenant_id, id);
        let own = keys::team_membership(&caller.tenant_id, &caller.user_id, id);
        let profile = keys::user(&caller.tenant_id, &caller.user_id);
        let mut wanted: Vec<_> = [&team, &own].into_iter().chain(more).collect();
        if !caller.tenant_admin {
            wanted.push(&profile);
        }
        let view = self.read(&wanted).await?;
        view.require_enabled(caller)?;
        Ok(view)
    }

    /// Reads a team, its organization and the caller's memberships in both. Reads the team first, because only
    /// the team names its organization.
    pub(in crate::store) async fn team_view(
        &self,
        caller: &Caller,
        id: &TeamId,
    ) -> Result<TeamView, Error> {
        let first = self.read_team(caller, id, None).await?;
        self.team_view_from(first, caller, id, &[]).await
    }

    /// Like [`Store::team_view`], and also reads a user's memberships in the team and its organization.
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
            && let Some(organization) = from_row(item)?.organization_id
        {
            more.push(keys::membership(tenant, user, &organization));
        }
        self.team_view_from(first, caller, id, &more).await
    }

    /// Like [`Store::team_view`], but starts from the result of [`Store::read_team`], and also reads the items
    /// in `more`.
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
        let team = live_from_row(item)?.ok_or(Refusal::NotFound)?;
        let own = first
            .item(&own_key)
            .map(team_members::from_row)
            .transpose()?;
        let member = own.as_ref().is_some_and(|own| own.status == Status::Active);
        let leader = own.as_ref().is_some_and(TeamMembership::leads);
        // The caller's own team membership may also be the one to change. It is not read again.
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
        let view = self.view_of_enabled(caller, &organization_id, &wanted);
        let view = view.await?;
        let organization = view.organization(caller, &organization_id, self.clock.now())?;
        let standing = match view.standing(caller, &organization_id)? {
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

/// Returns the condition that a team membership is that of an active leader.
fn leads() -> Condition {
    Condition::new("#status = :active AND #role = :leader")
        .value(":active", text(Status::Active.as_str()))
        .value(":leader", text(TeamRole::Leader.as_str()))
}

/// Labels of the conditions that allow a caller to change a team.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct TeamPermissionLabels<L> {
    /// The permission in its organization, or in the tenant.
    pub(in crate::store) caller: L,
    /// The caller's membership in the team, as a leader.
    pub(in crate::store) leader: L,
}

/// Adds the permission that allowed the caller to change the team to the conditions of the transaction.
pub(in crate::store) fn require_team<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    labels: TeamPermissionLabels<L>,
    caller: &Caller,
    team: &Team,
    standing: TeamStanding,
    now: Timestamp,
) {
    if caller.tenant_admin {
        return;
    }
    if let Some(organization) = &team.organization_id {
        access::require(
            transaction,
            labels.caller,
            caller,
            organization,
            requirement(standing),
            now,
        );
    } else {
        access::require_enabled(transaction, caller);
    }
    if standing == TeamStanding::Leads {
        let key = keys::team_membership(&caller.tenant_id, &caller.user_id, &team.id);
        transaction.check(labels.leader, &key, leads());
    }
}
