//! Team memberships: their rows, and what is done with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, ReturnConsumedCapacity, WriteRequest};
use serde::{Deserialize, Serialize};

use super::access;
use super::expression::{Change, Condition, Item, number, text};
use super::idempotency::{self, FirstAnswer, Once};
use super::keys::{self, GSI1, Key, TEAM_MEMBERSHIP_PREFIX};
use super::patience::Patience;
use super::teams::{self, TeamStanding};
use super::transaction::{Transaction, Unmet};
use super::{
    Added, Done, Error, Page, Query, Store, from_item, in_partition, key_of, organizations, to_item,
};
use crate::domain::{
    Caller, ExpectedVersion, Organization, OrganizationId, Source, Status, Team, TeamId,
    TeamMembership, TeamRole, TenantId, Timestamp, UserId,
};

/// Counts how often a user was put into a team of the organization. It lies on the membership in
/// the organization: who leaves it does so on the condition that no team came in between.
pub(super) const JOINED_TEAMS: &str = "joined_teams";

/// A team membership with its team.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipOfTeam {
    /// The membership.
    pub membership: TeamMembership,
    /// The team, which is there.
    pub team: Team,
}

#[derive(Serialize, Deserialize)]
struct Row {
    tenant_id: TenantId,
    team_id: TeamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    user_id: UserId,
    role: TeamRole,
    status: Status,
    source: Source,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) fn to_row(membership: &TeamMembership) -> Result<Item, Error> {
    let TeamMembership {
        tenant_id,
        team_id,
        user_id,
        ..
    } = membership.clone();
    let keys = [
        keys::team_membership(&tenant_id, &user_id, &team_id).attributes(),
        keys::team_member(&tenant_id, &team_id, &user_id).attributes_of(GSI1),
    ];
    let row = Row {
        tenant_id,
        team_id,
        organization_id: membership.organization_id.clone(),
        user_id,
        role: membership.role,
        status: membership.status,
        source: membership.source,
        version: membership.version,
        created_at: membership.created_at,
        updated_at: membership.updated_at,
    };
    to_item(&row, keys)
}

pub(super) fn from_row(item: Item) -> Result<TeamMembership, Error> {
    let row: Row = from_item(item)?;
    Ok(TeamMembership {
        tenant_id: row.tenant_id,
        team_id: row.team_id,
        organization_id: row.organization_id,
        user_id: row.user_id,
        role: row.role,
        status: row.status,
        source: row.source,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The parts of the transactions on a team membership.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Caller,
    Leader,
    Organization,
    Team,
    /// The target's membership in the organization, or their profile for a standalone team.
    User,
    Membership,
    Record,
}

impl Store {
    /// Puts a user into a team. For managers of its organization and up, its leaders, and tenant
    /// admins.
    ///
    /// One transaction: the caller may, team and organization are there, the user is an active
    /// member of the organization (known in the tenant, for a standalone team), and not in the team.
    pub async fn add_team_member(
        &self,
        caller: &Caller,
        team: &TeamId,
        (user, role): (&UserId, TeamRole),
        once: Option<&Once>,
        answer: impl Fn(&Added<TeamMembership>) -> FirstAnswer,
    ) -> Result<Done<Added<TeamMembership>>, Error> {
        let now = self.clock.now();
        let record = once.map(Once::key);
        let view = self.team_view(caller, team, |_| Vec::new(), record).await?;
        if let Some(first) = idempotency::found(once, &view.items)? {
            return Ok(Done::Before(first));
        }
        view.require_lead()?;
        let team = &view.found.team;
        let membership = TeamMembership::new(team, user.clone(), role, now);
        let added = Added::New(membership.clone());

        let mut transaction = Transaction::new(self.clock.new_id());
        let own = caller.user_id == *user && !caller.tenant_admin;
        let is_active =
            Condition::new("#status = :active").value(":active", text(Status::Active.as_str()));
        if let Some(organization) = &team.organization_id {
            let mut join = Change::new().add(JOINED_TEAMS, 1);
            let mut condition = is_active;
            if own {
                // No two actions of a transaction may name one item.
                join = join.set("last_active_at", text(now.to_string()));
                condition = teams::requirement(view.standing).condition();
            }
            let key = keys::membership(&caller.tenant_id, user, organization);
            transaction.touch(self, Part::User, &key, join, condition);
            let key = keys::organization(&caller.tenant_id, organization);
            transaction.check(self, Part::Organization, &key, organizations::live());
        } else {
            let key = keys::user(&caller.tenant_id, user);
            transaction.check(self, Part::User, &key, Condition::present());
        }
        if !own {
            let parts = (Part::Caller, Part::Leader);
            let how = (team, view.standing);
            self.require_team(&mut transaction, parts, caller, how, now);
        }
        let key = keys::team(&caller.tenant_id, &team.id);
        transaction.check(self, Part::Team, &key, Condition::present());
        transaction.put(
            self,
            Part::Membership,
            to_row(&membership)?,
            Condition::absent(),
        );
        if let Some(once) = once {
            once.record(self, &mut transaction, Part::Record, &answer(&added))?;
        }
        let Err(unmet) = transaction.commit(self).await? else {
            return Ok(Done::Now(added));
        };
        if let Some(once) = once
            && let Some(first) = once.first_answer(&unmet, &Part::Record)?
        {
            return Ok(Done::Before(first));
        }
        not_held(&unmet)?;
        match unmet.of(&Part::Membership) {
            Some(Some(item)) => {
                let stored = from_row(item.clone())?;
                if stored.role != role {
                    return Err(Error::AlreadyMember);
                }
                idempotency::unchanged(self, once, Added::Already(stored), answer).await
            }
            _ if unmet.of(&Part::User).is_none() => Err(Error::Conflict),
            _ if own => Err(Error::Forbidden),
            _ if team.organization_id.is_some() => Err(Error::NotAnOrganizationMember),
            _ => Err(Error::UnknownUser),
        }
    }

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

    /// Changes what a user is in a team. For managers of its organization and up, its leaders, and
    /// tenant admins. On the condition that the version is still the one read, and the caller may.
    pub async fn update_team_membership(
        &self,
        caller: &Caller,
        (team, user): (&TeamId, &UserId),
        role: Option<TeamRole>,
        expected: &ExpectedVersion,
    ) -> Result<TeamMembership, Error> {
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self
                .team_view(caller, team, |_| vec![key.clone()], None)
                .await?;
            view.require_lead()?;
            let before = view.items.item(&key).cloned().ok_or(Error::NotFound)?;
            let before = from_row(before)?;
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            let role = role.unwrap_or(before.role);
            if role == before.role {
                return Ok(before);
            }
            let after = TeamMembership {
                role,
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            let mut transaction = Transaction::new(self.clock.new_id());
            self.require_for_target(&mut transaction, caller, user, &view, now);
            let change = Change::new()
                .set("role", text(role.as_str()))
                .set("version", number(after.version))
                .set("updated_at", text(now.to_string()));
            transaction.update(self, Part::Membership, &key, change, in_version(&before));
            match transaction.commit(self).await? {
                Ok(()) => return Ok(after),
                Err(unmet) => {
                    not_held(&unmet)?;
                    if !expected.is_any() && unmet.of(&Part::Membership).is_some() {
                        return Err(Error::VersionMismatch);
                    }
                }
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Takes a user out of a team; done when they are not in it. For managers of its organization
    /// and up, its leaders, and tenant admins.
    ///
    /// What the directory manages stays, unless a tenant admin forces it.
    pub async fn remove_team_member(
        &self,
        caller: &Caller,
        (team, user): (&TeamId, &UserId),
        force: bool,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let key = keys::team_membership(&caller.tenant_id, user, team);
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self
                .team_view(caller, team, |_| vec![key.clone()], None)
                .await?;
            view.require_lead()?;
            let Some(before) = view.items.item(&key).cloned() else {
                return Ok(());
            };
            let before = from_row(before)?;
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            if before.source == Source::Entra && !(force && caller.tenant_admin) {
                return Err(Error::DirectoryManaged);
            }
            let mut transaction = Transaction::new(self.clock.new_id());
            self.require_for_target(&mut transaction, caller, user, &view, now);
            transaction.delete(self, Part::Membership, &key, in_version(&before));
            match transaction.commit(self).await? {
                Ok(()) => return Ok(()),
                Err(unmet) => {
                    not_held(&unmet)?;
                    if !expected.is_any() && unmet.of(&Part::Membership).is_some() {
                        return Err(Error::VersionMismatch);
                    }
                }
            }
            patience.wait(Error::Conflict).await?;
        }
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
            .map(|item| teams::from_row(item).map(|found| (found.id.clone(), found)));
        let organizations = organizations
            .into_values()
            .map(|item| organizations::from_row(item).map(|found| (found.id.clone(), found)));
        Ok((
            teams.collect::<Result<_, _>>()?,
            organizations.collect::<Result<_, _>>()?,
        ))
    }

    /// All of a user's memberships in the teams of one organization.
    pub(super) async fn teams_in_organization(
        &self,
        tenant: &TenantId,
        user: &UserId,
        organization: &OrganizationId,
    ) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        let mut after = None;
        loop {
            let partition = keys::user_partition(tenant, user);
            let page = self
                .query(Query {
                    index: None,
                    condition: in_partition(None, partition, TEAM_MEMBERSHIP_PREFIX.to_owned()),
                    filter: Some(
                        Condition::new("#organization_id = :organization")
                            .value(":organization", text(organization.as_str())),
                    ),
                    after,
                    limit: usize::MAX,
                })
                .await?;
            for item in &page.items {
                keys.push(key_of(item)?);
            }
            let Some(last) = page.next else {
                return Ok(keys);
            };
            let last = Key {
                pk: keys::user_partition(tenant, user),
                sk: last,
            };
            after = Some(last.attributes());
        }
    }

    /// Takes everyone out of a team that is gone. What is left when it fails or takes too long
    /// means nothing and is shown nowhere.
    pub(super) async fn clear_team(&self, team: &Team) {
        let partition = keys::team_partition(&team.tenant_id, &team.id);
        let cleared = async {
            loop {
                let condition = in_partition(Some(GSI1), partition.clone(), "USER#".to_owned());
                let page = self
                    .query(Query {
                        index: Some(GSI1),
                        condition,
                        filter: None,
                        after: None,
                        limit: 25,
                    })
                    .await?;
                let deletes = page.items.iter().filter_map(|item| {
                    let key = key_of(item).ok()?.attributes();
                    let delete = DeleteRequest::builder().set_key(Some(key)).build().ok()?;
                    Some(WriteRequest::builder().delete_request(delete).build())
                });
                let deletes: Vec<_> = deletes.collect();
                if deletes.is_empty() {
                    return Ok::<_, Error>(());
                }
                self.client
                    .batch_write_item()
                    .request_items(&self.table, deletes)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await?;
            }
        };
        let _ = tokio::time::timeout(self.patience, cleared).await;
    }

    /// As [`Store::require_team`], but where the caller changes their own membership as a leader,
    /// whose version is pinned by the change itself.
    fn require_for_target(
        &self,
        transaction: &mut Transaction<Part>,
        caller: &Caller,
        user: &UserId,
        view: &teams::TeamView,
        now: Timestamp,
    ) {
        let own = caller.user_id == *user;
        let standing = match view.standing {
            TeamStanding::Leads if own => TeamStanding::Sees,
            standing => standing,
        };
        let parts = (Part::Caller, Part::Leader);
        self.require_team(
            transaction,
            parts,
            caller,
            (&view.found.team, standing),
            now,
        );
        let key = keys::team(&caller.tenant_id, &view.found.team.id);
        transaction.check(self, Part::Team, &key, Condition::present());
    }
}

fn in_version(membership: &TeamMembership) -> Condition {
    Condition::new("#version = :before").value(":before", number(membership.version))
}

/// What it means that caller, team or organization were not as they should be.
fn not_held(unmet: &Unmet<Part>) -> Result<(), Error> {
    if let Some(refusal) = access::refusal(unmet, &Part::Caller) {
        return Err(refusal);
    }
    if unmet.of(&Part::Leader).is_some() {
        return Err(Error::Forbidden);
    }
    if unmet.of(&Part::Organization).is_some() || unmet.of(&Part::Team).is_some() {
        return Err(Error::NotFound);
    }
    Ok(())
}
