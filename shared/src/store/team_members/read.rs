//! Reading the team memberships of a team and of a user.

use super::{MembershipOfTeam, as_shown, from_row, is_active};
use futures_util::TryFutureExt;

use crate::domain::{Caller, OrganizationId, Status, TeamId, TeamMembership, TenantId, UserId};
use crate::store::keys::{self, GSI1, Key, TEAM_MEMBERSHIP_PREFIX, USER_PREFIX};
use crate::store::table::{Condition, Item, Query, between, in_partition, key_of, text};
use crate::store::{Context, Error, Page, Refusal, Store, members, organizations, teams, users};

/// Keys of the items that a team membership depends on.
struct KeysOfTeam {
    team: Key,
    /// For a team in an organization: the keys of the organization and of the user's membership in it.
    organization: Option<(Key, Key)>,
}

impl KeysOfTeam {
    fn of(membership: &TeamMembership) -> Self {
        let tenant = &membership.tenant_id;
        let organization = membership.organization_id.as_ref().map(|id| {
            let own = keys::membership(tenant, &membership.user_id, id);
            (keys::organization(tenant, id), own)
        });
        Self {
            team: keys::team(tenant, &membership.team_id),
            organization,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        let organization = self.organization.iter();
        std::iter::once(&self.team).chain(organization.flat_map(|(of, own)| [of, own]))
    }
}

impl Store {
    /// Returns the membership of a user in a team. Requires a member of the team or of its organization.
    pub async fn team_membership(
        &self,
        cx: &Context,
        team: &TeamId,
        user: &UserId,
    ) -> Result<TeamMembership, Error> {
        let caller = &cx.caller;
        let view = self.team_view_with(caller, team, user).await?;
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let item = view.items.item(&key).ok_or(Refusal::NotFound)?;
        let membership = from_row(item.clone())?;
        let Some(organization) = &view.found.team.organization_id else {
            return Ok(membership);
        };
        let own = keys::membership(&caller.tenant_id, user, organization);
        let own = view.items.membership(&own)?;
        Ok(as_shown(membership, is_active(own.as_ref())))
    }

    /// Returns the members of a team in the order of their ids, after `after`. Requires a member of the team or
    /// of its organization. Eventually consistent: reads an index. Then reads with strong consistency whether
    /// the members are active in the organization.
    pub async fn team_members(
        &self,
        cx: &Context,
        team: &TeamId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TeamMembership>, Error> {
        let caller = &cx.caller;
        let after = match after.map(UserId::from_table) {
            Some(Ok(user)) => {
                let mut key = keys::team_membership(&caller.tenant_id, &user, team).attributes();
                let member = keys::team_member(&caller.tenant_id, team, &user);
                key.extend(member.attributes_of(GSI1));
                Some(key)
            }
            Some(Err(_)) => return Err(Refusal::InvalidPosition.into()),
            None => None,
        };
        let partition = keys::team_partition(&caller.tenant_id, team);
        let members = self.table.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, USER_PREFIX.to_owned()),
            filter: None,
            after,
            limit,
            is_backwards: false,
        });
        let (view, page) = tokio::try_join!(self.team_view(caller, team), members.err_into())?;
        let items = page.items.into_iter().map(from_row);
        let mut items = items.collect::<Result<Vec<_>, _>>()?;
        if let Some(organization) = &view.found.team.organization_id {
            items = self.as_in_organization(organization, items).await?;
        }
        Ok(Page {
            items,
            next: page
                .next
                .and_then(|place| keys::user_at(&place).map(String::from)),
        })
    }

    /// Returns members of a team of this organization as the API shows them.
    async fn as_in_organization(
        &self,
        organization: &OrganizationId,
        members: Vec<TeamMembership>,
    ) -> Result<Vec<TeamMembership>, Error> {
        let key = |member: &TeamMembership| {
            keys::membership(&member.tenant_id, &member.user_id, organization)
        };
        let keys: Vec<Key> = members.iter().map(key).collect();
        let view = self.read(&keys.iter().collect::<Vec<_>>()).await?;
        let shown = members.into_iter().zip(&keys).map(|(member, key)| {
            let own = view.membership(key)?;
            Ok(as_shown(member, is_active(own.as_ref())))
        });
        shown.collect()
    }

    /// Returns the team memberships of a user, after `after`, in live teams that are standalone or belong to an
    /// organization in which the user is active. Requires the user themselves or a tenant admin.
    pub async fn user_teams(
        &self,
        cx: &Context,
        user: &UserId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MembershipOfTeam>, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let key = |id| keys::team_membership(&caller.tenant_id, user, &id).attributes();
        let place = after.map(TeamId::parse).transpose();
        let start = place.map_err(|_| Refusal::InvalidPosition)?.map(key);
        let partition = keys::user_partition(&caller.tenant_id, user);
        let page = self
            .table
            .query(Query {
                index: None,
                condition: in_partition(None, partition, TEAM_MEMBERSHIP_PREFIX.to_owned()),
                filter: None,
                after: start,
                limit,
                is_backwards: false,
            })
            .await?;
        if page.items.is_empty() && after.is_none() && caller.user_id != *user {
            // Distinguishes a user without teams from an unknown user.
            self.user(cx, user).await?;
        }
        let memberships = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let items = self.with_their_teams(caller, memberships).await?;
        let next = page
            .next
            .and_then(|key| Some(key.strip_prefix(TEAM_MEMBERSHIP_PREFIX)?.to_owned()));
        Ok(Page { items, next })
    }

    /// Returns these memberships with their teams. Leaves out memberships without effect: those whose team or
    /// organization is deleted, or whose user is not an active member of the organization. Reads the profile of the
    /// caller in the same call, and refuses a disabled one.
    async fn with_their_teams(
        &self,
        caller: &Caller,
        memberships: Vec<TeamMembership>,
    ) -> Result<Vec<MembershipOfTeam>, Error> {
        let keys: Vec<KeysOfTeam> = memberships.iter().map(KeysOfTeam::of).collect();
        let mut all: Vec<&Key> = keys.iter().flat_map(KeysOfTeam::all).collect();
        let profile = keys::user(&caller.tenant_id, &caller.user_id);
        let is_checked = !caller.tenant_admin && !all.is_empty();
        if is_checked {
            all.push(&profile);
        }
        let mut items = self.table.get_all(&all).await?;
        if is_checked {
            users::require_enabled(items.get(&profile))?;
        }
        let now = self.clock.now();
        let mut found = Vec::new();
        for (membership, keys) in memberships.into_iter().zip(&keys) {
            if let Some((organization, own)) = &keys.organization {
                let (Some(organization), Some(own)) = (items.get(organization), items.get(own))
                else {
                    continue;
                };
                let organization = organizations::from_row(organization.clone())?;
                let own = members::from_row(own.clone())?;
                let there = organization.is_live() && !organization.is_purged(now);
                if !there || own.status != Status::Active {
                    continue;
                }
            }
            let team = items.remove(&keys.team).map(teams::live_from_row);
            if let Some(team) = team.transpose()?.flatten() {
                found.push(MembershipOfTeam { membership, team });
            }
        }
        Ok(found)
    }

    /// Returns a user's membership in an organization, and the keys of their memberships in its teams. Makes
    /// one `Query`, which reads the membership first. A team that is joined later changes
    /// [`JOINED_TEAMS`](super::JOINED_TEAMS) of the membership, so a write on the condition that it is
    /// unchanged covers all teams.
    pub(in crate::store) async fn membership_and_teams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        organization: &OrganizationId,
    ) -> Result<(Option<Item>, Vec<Key>), Error> {
        let key = keys::membership(tenant, user, organization);
        let condition = between(
            None,
            key.pk.clone(),
            (key.sk.clone(), keys::TEAM_MEMBERSHIPS_END.to_owned()),
        );
        let filter = Condition::new("#organization_id = :organization")
            .value(":organization", text(organization.as_str()));
        let found = self
            .table
            .query_all(&key.pk, condition, Some(filter))
            .await?;
        let mut membership = None;
        let mut teams = Vec::new();
        for item in found {
            let found = key_of(&item)?;
            if found == key {
                membership = Some(item);
            } else {
                teams.push(found);
            }
        }
        Ok((membership, teams))
    }
}
