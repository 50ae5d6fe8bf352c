//! Reading team memberships: of a team, and of a user.

use super::{MembershipOfTeam, from_row};
use crate::domain::{
    Caller, Organization, OrganizationId, Team, TeamId, TeamMembership, TenantId, UserId,
};
use crate::store::expression::{Condition, Item, text};
use crate::store::keys::{self, GSI1, Key, TEAM_MEMBERSHIP_PREFIX};
use crate::store::{Error, Page, Query, Store, in_partition, key_of, organizations, teams};
use std::collections::HashMap;

impl Store {
    /// The members of a team by their ids, from behind `after` on. For members of the team or its
    /// organization. From an index, which lags a moment behind.
    pub async fn team_members(
        &self,
        caller: &Caller,
        team: &TeamId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TeamMembership>, Error> {
        let after = match after.map(UserId::parse) {
            Some(Ok(user)) => {
                let mut key = keys::team_membership(&caller.tenant_id, &user, team).attributes();
                let member = keys::team_member(&caller.tenant_id, team, &user);
                key.extend(member.attributes_of(GSI1));
                Some(key)
            }
            Some(Err(_)) => return Err(Error::InvalidPosition),
            None => None,
        };
        let partition = keys::team_partition(&caller.tenant_id, team);
        let members = self.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, "USER#".to_owned()),
            filter: None,
            after,
            limit,
        });
        let (_, page) =
            tokio::try_join!(self.team_view(caller, team, |_| Vec::new(), None), members)?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(from_row)
                .collect::<Result<_, _>>()?,
            next: page
                .next
                .and_then(|key| Some(key.strip_prefix("USER#")?.to_owned())),
        })
    }

    /// The team memberships of a user in teams that are there, from behind `after` on. For the
    /// user, and tenant admins.
    pub async fn user_teams(
        &self,
        caller: &Caller,
        user: &UserId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MembershipOfTeam>, Error> {
        self.require_self_or_tenant_admin(caller, user).await?;
        let key = |id| keys::team_membership(&caller.tenant_id, user, &id).attributes();
        let place = after.map(TeamId::parse).transpose();
        let start = place.map_err(|_| Error::InvalidPosition)?.map(key);
        let partition = keys::user_partition(&caller.tenant_id, user);
        let page = self
            .query(Query {
                index: None,
                condition: in_partition(None, partition, TEAM_MEMBERSHIP_PREFIX.to_owned()),
                filter: None,
                after: start,
                limit,
            })
            .await?;
        if page.items.is_empty() && after.is_none() && caller.user_id != *user {
            // Somebody without teams, or nobody at all?
            self.user(caller, user).await?;
        }
        let memberships = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let (mut teams, organizations) = self.teams_of(&memberships).await?;
        let now = self.clock.now();
        let items = memberships
            .into_iter()
            .filter_map(|membership| {
                let team = teams.remove(&membership.team_id)?;
                if let Some(id) = &team.organization_id {
                    let organization = organizations.get(id)?;
                    if !organization.is_live() || organization.is_purged(now) {
                        return None;
                    }
                }
                Some(MembershipOfTeam { membership, team })
            })
            .collect();
        let next = page
            .next
            .and_then(|key| Some(key.strip_prefix(TEAM_MEMBERSHIP_PREFIX)?.to_owned()));
        Ok(Page { items, next })
    }

    /// The teams of these memberships, and the organizations that they are in.
    async fn teams_of(
        &self,
        memberships: &[TeamMembership],
    ) -> Result<(HashMap<TeamId, Team>, HashMap<OrganizationId, Organization>), Error> {
        let teams: Vec<Key> = memberships
            .iter()
            .map(|one| keys::team(&one.tenant_id, &one.team_id))
            .collect();
        let organizations: Vec<Key> = memberships
            .iter()
            .filter_map(|one| {
                let id = one.organization_id.as_ref()?;
                Some(keys::organization(&one.tenant_id, id))
            })
            .collect();
        let teams: Vec<&Key> = teams.iter().collect();
        let organizations: Vec<&Key> = organizations.iter().collect();
        let (teams, organizations) =
            tokio::try_join!(self.get_all(&teams), self.get_all(&organizations))?;
        let teams = teams
            .into_values()
            .filter_map(|item| teams::live_from_row(item).transpose())
            .map(|found| found.map(|found| (found.id.clone(), found)));
        let organizations = organizations
            .into_values()
            .map(|item| organizations::from_row(item).map(|found| (found.id.clone(), found)));
        Ok((
            teams.collect::<Result<_, _>>()?,
            organizations.collect::<Result<_, _>>()?,
        ))
    }

    /// A user's membership in an organization, and the keys of theirs in its teams: one `Query` that
    /// comes by the membership first. A team that is joined after that shows in the membership, and
    /// what is done on the condition that nothing shows in it thus knows all teams.
    pub(in crate::store) async fn membership_and_teams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        organization: &OrganizationId,
    ) -> Result<(Option<Item>, Vec<Key>), Error> {
        let key = keys::membership(tenant, user, organization);
        let mut membership = None;
        let mut teams = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .query(Query {
                    index: None,
                    condition: Condition::new("#pk = :pk AND #sk BETWEEN :from AND :to")
                        .value(":pk", text(&key.pk))
                        .value(":from", text(&key.sk))
                        .value(":to", text(keys::TEAM_MEMBERSHIPS_END)),
                    filter: Some(
                        Condition::new("#organization_id = :organization")
                            .value(":organization", text(organization.as_str())),
                    ),
                    after,
                    limit: usize::MAX,
                })
                .await?;
            for item in page.items {
                let found = key_of(&item)?;
                if found == key {
                    membership = Some(item);
                } else {
                    teams.push(found);
                }
            }
            let Some(last) = page.next else {
                return Ok((membership, teams));
            };
            let last = Key {
                pk: key.pk.clone(),
                sk: last,
            };
            after = Some(last.attributes());
        }
    }
}
