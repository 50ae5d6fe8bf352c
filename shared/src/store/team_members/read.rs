//! Reading the team memberships of a team and of a user.

use super::{MembershipOfTeam, as_shown, is_active};
use std::collections::HashMap;

use futures_util::TryFutureExt;

use crate::domain::{
    Caller, Membership, OrganizationId, TeamId, TeamMemberKey, TeamMembership, TenantId, UserId,
};
use crate::store::keys::{self, GSI1, Key, MEMBERSHIP_PREFIX, TEAM_MEMBERSHIP_PREFIX, USER_PREFIX};
use crate::store::rows::team_members::from_row;
use crate::store::rows::{members, organizations, teams, users};
use crate::store::shown_items::{Settles as _, ShownItems};
use crate::store::table::{Condition, Item, Query, between, key_of, text};
use crate::store::{Context, Error, Page, Refusal, Store};

/// The data that decides whether a user's team memberships have an effect.
struct StandingOfUser {
    team_memberships: Vec<TeamMembership>,
    /// The place after which the next page starts.
    next: Option<String>,
    /// Some of the user's memberships in organizations.
    memberships: HashMap<OrganizationId, Membership>,
    /// The profile of the caller, if it was read.
    profile: Option<Item>,
}

impl Store {
    /// Returns the membership of a user in a team. Requires a member of the team or of its organization.
    pub async fn team_membership(
        &self,
        cx: &Context,
        TeamMemberKey { team, user }: TeamMemberKey<'_>,
    ) -> Result<TeamMembership, Error> {
        let caller = &cx.caller;
        let view = self.team_view_with(caller, team, user).await?;
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let item = view.items.item(&key).ok_or(Refusal::NotFound)?;
        let membership = from_row(item)?;
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
        let members = self.table.query(
            Query::in_partition(Some(GSI1), partition, USER_PREFIX)
                .after(after)
                .limit(limit),
        );
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
    /// organization in which the user is active. Requires the user themselves or a tenant admin. What others changed of
    /// the teams and organizations may take a moment to show.
    pub async fn user_teams(
        &self,
        cx: &Context,
        user: &UserId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MembershipOfTeam>, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let place = after.map(TeamId::parse).transpose();
        let place = place.map_err(|_| Refusal::InvalidPosition)?;
        let standing = self.standing_of(caller, user, place, limit).await?;
        if standing.team_memberships.is_empty() && after.is_none() && caller.user_id != *user {
            // Distinguishes a user without teams from an unknown user.
            self.user(cx, user).await?;
        }
        let next = standing.next.clone();
        let items = self.with_their_teams(caller, standing).await?;
        Ok(Page { items, next })
    }

    /// Reads a page of a user's team memberships, with the caller's own profile if it follows in the same partition, and
    /// at the same time as many of their memberships in organizations: one unit reads about five.
    async fn standing_of(
        &self,
        caller: &Caller,
        user: &UserId,
        after: Option<TeamId>,
        limit: usize,
    ) -> Result<StandingOfUser, Error> {
        let partition = keys::user_partition(&caller.tenant_id, user);
        let profile = keys::user(&caller.tenant_id, &caller.user_id);
        let teams = self.table.query(
            Query::between(
                None,
                partition.clone(),
                TEAM_MEMBERSHIP_PREFIX.to_owned(),
                profile.sk.clone(),
            )
            .after(after.map(|id| keys::team_membership(&caller.tenant_id, user, &id).attributes()))
            // The last one is the profile, or shows that there is a next page.
            .limit(limit + 1),
        );
        let memberships = self
            .table
            .query(Query::in_partition(None, partition, MEMBERSHIP_PREFIX).limit(limit));
        let (mut teams, memberships) = tokio::try_join!(teams, memberships)?;
        let last = teams
            .items
            .pop_if(|item| item.get("sk") == Some(&text(profile.sk.clone())));
        let mut next = teams.next;
        if teams.items.len() > limit {
            teams.items.truncate(limit);
            let last = teams.items.last().map(key_of).transpose()?;
            next = last.map(|key| key.sk);
        }
        let memberships = memberships.items.into_iter().map(|item| {
            let membership = members::from_row(item)?;
            Ok((membership.organization_id.clone(), membership))
        });
        let team_memberships = teams.items.into_iter().map(from_row);
        Ok(StandingOfUser {
            team_memberships: team_memberships.collect::<Result<_, _>>()?,
            next: next.and_then(|key| Some(key.strip_prefix(TEAM_MEMBERSHIP_PREFIX)?.to_owned())),
            memberships: memberships.collect::<Result<_, Error>>()?,
            profile: last.filter(|_| caller.user_id == *user),
        })
    }

    /// Returns these memberships with their teams. Leaves out memberships without effect: those whose team or
    /// organization is deleted, or whose user is not an active member of the organization. Refuses a disabled caller.
    async fn with_their_teams(
        &self,
        caller: &Caller,
        standing: StandingOfUser,
    ) -> Result<Vec<MembershipOfTeam>, Error> {
        let (tenant, now) = (&caller.tenant_id, self.clock.now());
        let mut reads = ShownItems::default();
        for one in &standing.team_memberships {
            // An admin's writes do not show on their own membership, and less on another user's; nor do those of a leader
            // to a team without an organization.
            let mut is_settled = !caller.tenant_admin && one.is_settled(now);
            if let Some(organization) = &one.organization_id {
                let own = standing.memberships.get(organization);
                is_settled &= own.is_some_and(|own| own.is_settled(now));
                if own.is_none() {
                    reads.add(keys::membership(tenant, &one.user_id, organization), false);
                }
                reads.add(keys::organization(tenant, organization), is_settled);
            } else {
                is_settled &= !one.leads();
            }
            reads.add(keys::team(tenant, &one.team_id), is_settled);
        }
        let profile = keys::user(tenant, &caller.user_id);
        let is_checked = !caller.tenant_admin && !standing.team_memberships.is_empty();
        if is_checked && standing.profile.is_none() {
            reads.add(profile.clone(), false);
        }
        let mut items = self.shown(&reads).await?;
        if is_checked {
            users::require_enabled(standing.profile.as_ref().or(items.get(&profile)))?;
        }
        let mut memberships = standing.memberships;
        let mut found = Vec::new();
        for membership in standing.team_memberships {
            if let Some(id) = &membership.organization_id {
                let key = keys::membership(tenant, &membership.user_id, id);
                if let Some(own) = items.remove(&key) {
                    memberships.insert(id.clone(), members::from_row(own)?);
                }
                let organization = items.get(&keys::organization(tenant, id));
                let organization = organization.map(organizations::from_row).transpose()?;
                let is_there = organization.is_some_and(|it| it.is_live() && !it.is_purged(now));
                if !is_there || !is_active(memberships.get(id)) {
                    continue;
                }
            }
            let team = items.remove(&keys::team(tenant, &membership.team_id));
            let team = team.map(teams::live_from_row).transpose()?.flatten();
            if let Some(team) = team {
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
            key.sk.clone(),
            keys::TEAM_MEMBERSHIPS_END.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Role, Status, Team, TeamRole};
    use crate::store::fake::Fake;
    use crate::store::rows::team_members::to_row;
    use crate::store::samples::{
        membership, now, organization_id, profile_row, request_of, request_of_admin, team,
        team_membership, team_row, tenant, user,
    };

    /// Ada, in three standalone teams.
    fn ada_in_teams() -> Fake {
        let rows = ["t1", "t2", "t3"].into_iter().flat_map(|id| {
            let team = Team {
                id: TeamId::parse(id).unwrap(),
                ..team(None)
            };
            let member = to_row(&team_membership(&team, "ada")).unwrap();
            [team_row(&team, &[]), member]
        });
        Fake::with(rows.chain([profile_row("ada", &[])]))
    }

    #[tokio::test]
    async fn the_last_page_of_teams_has_no_next_one() {
        for (limit, count, next) in [(2, 2, Some("t2")), (3, 3, None), (4, 3, None)] {
            let fake = ada_in_teams();
            let (store, cx, ada) = (fake.store(), request_of("ada"), user("ada"));
            let page = store.user_teams(&cx, &ada, None, limit).await.unwrap();
            assert_eq!(page.items.len(), count);
            assert_eq!(page.next.as_deref(), next, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_profile_on_the_page_is_not_read_again() {
        for (cx, limit, profiles) in [
            (request_of("ada"), 4, 0),
            (request_of("ada"), 2, 1),
            (request_of_admin(), 4, 0),
            (request_of_admin(), 2, 0),
        ] {
            let fake = ada_in_teams();
            let (store, ada) = (fake.store(), user("ada"));
            let page = store.user_teams(&cx, &ada, None, limit).await;
            page.unwrap();
            let own = keys::user(&tenant(), &cx.caller.user_id);
            let reads = fake.keys_read().into_iter();
            let of_caller = reads.flat_map(|(keys, _)| keys).filter(|key| *key == own);
            assert_eq!(of_caller.count(), profiles);
            assert!(fake.calls("GetItem").is_empty());
        }
    }

    /// Whether a team of ada is read with strong consistency, in the list of her teams.
    async fn is_consistent(cx: &Context, member: &TeamMembership, own: &[Membership]) -> bool {
        let row = team_row(&team(member.organization_id.clone()), &[]);
        let rows = [row, to_row(member).unwrap(), profile_row("ada", &[])];
        let own = own.iter().map(|own| members::to_row(own).unwrap());
        let fake = Fake::with(rows.into_iter().chain(own));
        let (store, ada) = (fake.store(), user("ada"));
        store.user_teams(cx, &ada, None, 5).await.unwrap();
        let team = keys::team(&tenant(), &member.team_id);
        let mut reads = fake.keys_read().into_iter();
        let read = reads.find(|(keys, _)| keys.contains(&team));
        read.unwrap().1
    }

    #[tokio::test]
    async fn a_team_that_its_user_may_have_changed_is_read_consistently() {
        let (own, admin) = (request_of("ada"), request_of_admin());
        let settled = team_membership(&team(None), "ada");
        assert!(!is_consistent(&own, &settled, &[]).await);
        assert!(is_consistent(&admin, &settled, &[]).await);
        let leader = TeamMembership {
            role: TeamRole::Leader,
            ..settled.clone()
        };
        assert!(is_consistent(&own, &leader, &[]).await);
        let new = TeamMembership {
            updated_at: now(),
            ..settled
        };
        assert!(is_consistent(&own, &new, &[]).await);
    }

    #[tokio::test]
    async fn a_membership_shows_whether_its_user_changed_teams() {
        let cx = request_of("ada");
        let member = team_membership(&team(Some(organization_id())), "ada");
        let settled = membership("ada", Role::Member, Status::Active);
        let new = Membership {
            updated_at: now(),
            ..settled.clone()
        };
        assert!(!is_consistent(&cx, &member, &[settled]).await);
        assert!(is_consistent(&cx, &member, &[new]).await);
        assert!(is_consistent(&cx, &member, &[]).await);
    }
}
