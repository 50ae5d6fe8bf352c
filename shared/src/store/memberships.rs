//! Memberships: their rows, and what is done with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::access::{self, Requirement, standing};
use super::expression::{Change, Condition, Item, number, text};
use super::idempotency::{self, FirstAnswer, Once};
use super::keys::{self, GSI1, Key, MEMBERSHIP_PREFIX};
use super::patience::Patience;
use super::team_members::JOINED_TEAMS;
use super::transaction::{Transaction, Unmet};
use super::{
    Added, Done, Error, Page, Query, Store, from_item, in_partition, organizations, to_item,
};
use crate::domain::{
    Caller, ExpectedVersion, Membership, MembershipPatch, Organization, OrganizationId, Permission,
    Role, Source, Status, TenantId, Timestamp, UserId,
};

/// How many members one page looks at when it looks for few among many.
const SIFTED: usize = 500;

/// Most teams that are left in one transaction, which has room for 100 actions.
pub(super) const MOST_TEAMS: usize = 90;

/// Which members a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFilter {
    /// Those of this status; `None`: of any.
    pub status: Option<Status>,
    /// Those with this role.
    pub role: Option<Role>,
}

impl MemberFilter {
    fn condition(self) -> Option<Condition> {
        let status = self.status.map(|status| {
            Condition::new("#status = :status").value(":status", text(status.as_str()))
        });
        let role = self
            .role
            .map(|role| Condition::new("#role = :role").value(":role", text(role.as_str())));
        match (status, role) {
            (Some(status), Some(role)) => Some(status.and(role)),
            (status, role) => status.or(role),
        }
    }

    /// How many to look at for a page of `limit`. Most members are active, so what looks for
    /// anything else looks further, rather than answer page after empty page.
    fn look_at(self, limit: usize) -> usize {
        let most = self.role.is_none() && matches!(self.status, None | Some(Status::Active));
        if most { limit } else { limit.max(SIFTED) }
    }
}

/// A membership with its organization.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipOfOrganization {
    /// The membership.
    pub membership: Membership,
    /// The organization, which is there.
    pub organization: Organization,
}

#[derive(Serialize, Deserialize)]
struct Row {
    tenant_id: TenantId,
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    status: Status,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_by_user_id: Option<UserId>,
    spend: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at: Option<Timestamp>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) fn to_row(membership: &Membership) -> Result<Item, Error> {
    let Membership {
        tenant_id,
        organization_id,
        user_id,
        ..
    } = membership.clone();
    let keys = [
        keys::membership(&tenant_id, &user_id, &organization_id).attributes(),
        keys::member(&tenant_id, &organization_id, &user_id).attributes_of(GSI1),
    ];
    let row = Row {
        tenant_id,
        organization_id,
        user_id,
        role: membership.role,
        status: membership.status,
        source: membership.source,
        invited_by_user_id: membership.invited_by_user_id.clone(),
        spend: membership.spend,
        budget_id: membership.budget_id.clone(),
        last_active_at: membership.last_active_at,
        version: membership.version,
        created_at: membership.created_at,
        updated_at: membership.updated_at,
    };
    to_item(&row, keys)
}

pub(super) fn from_row(item: Item) -> Result<Membership, Error> {
    let row: Row = from_item(item)?;
    Ok(Membership {
        tenant_id: row.tenant_id,
        organization_id: row.organization_id,
        user_id: row.user_id,
        role: row.role,
        status: row.status,
        source: row.source,
        invited_by_user_id: row.invited_by_user_id,
        spend: row.spend,
        budget_id: row.budget_id,
        last_active_at: row.last_active_at,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The parts of the transactions on a membership.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Caller,
    Organization,
    Membership,
    Team,
    User,
    Record,
}

/// How a write changes the number of active owners.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owners {
    OneMore,
    AsMany,
    OneLess,
    /// Not yet, but nothing is to be done if there could not be one less.
    OneLessSoon,
}

impl Owners {
    fn between(before: Option<&Membership>, after: Option<&Membership>) -> Self {
        let was = before.is_some_and(Membership::is_active_owner);
        let is = after.is_some_and(Membership::is_active_owner);
        match (was, is) {
            (false, true) => Self::OneMore,
            (true, false) => Self::OneLess,
            _ => Self::AsMany,
        }
    }
}

impl Store {
    /// Adds a user to an organization. For owners and admins, who make nobody more than they are.
    ///
    /// One transaction: the caller may, the organization is there, the user is known, and no
    /// membership is there yet.
    pub async fn add_member(
        &self,
        caller: &Caller,
        membership: &Membership,
        once: Option<&Once>,
        answer: impl Fn(&Added<Membership>) -> FirstAnswer,
    ) -> Result<Done<Added<Membership>>, Error> {
        let Membership {
            tenant_id,
            organization_id,
            user_id,
            role,
            ..
        } = membership;
        let now = membership.created_at;
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: Some(*role),
        };
        if caller.user_id == *user_id && !caller.tenant_admin {
            return self.add_oneself(caller, membership, once, answer).await;
        }
        let added = Added::New(membership.clone());
        let mut transaction = Transaction::new(self.clock.new_id());
        let who = (caller, organization_id);
        access::require(self, &mut transaction, Part::Caller, who, requirement, now);
        let owners = Owners::between(None, Some(membership));
        self.hold_organization(&mut transaction, tenant_id, organization_id, owners);
        let user = keys::user(tenant_id, user_id);
        transaction.check(self, Part::User, &user, Condition::present());
        let row = to_row(membership)?;
        transaction.put(self, Part::Membership, row, Condition::absent());
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
        if let Some(refusal) = access::refusal(&unmet, &Part::Caller) {
            return Err(refusal);
        }
        if unmet.of(&Part::Organization).is_some() {
            return Err(Error::NotFound);
        }
        match unmet.of(&Part::Membership) {
            Some(Some(item)) => {
                self.already(from_row(item.clone())?, *role, once, answer)
                    .await
            }
            _ if unmet.of(&Part::User).is_some() => Err(Error::UnknownUser),
            _ => Err(Error::Conflict),
        }
    }

    /// Whoever may add members is one: what is left to tell is with which role.
    async fn add_oneself(
        &self,
        caller: &Caller,
        membership: &Membership,
        once: Option<&Once>,
        answer: impl Fn(&Added<Membership>) -> FirstAnswer,
    ) -> Result<Done<Added<Membership>>, Error> {
        let id = &membership.organization_id;
        let record: Vec<&Key> = once.iter().map(|once| once.key()).collect();
        let view = self.view(caller, id, &record).await?;
        if let Some(first) = idempotency::found(once, &view)? {
            return Ok(Done::Before(first));
        }
        view.organization(caller, id, membership.created_at)?;
        let own = view
            .membership(&access::own_key(caller, id))?
            .ok_or(Error::NotFound)?;
        let standing = standing(caller, Some(&own))?;
        standing.require(Permission::ManageMembers)?;
        if !standing.reaches(membership.role) {
            return Err(Error::Forbidden);
        }
        self.already(own, membership.role, once, answer).await
    }

    async fn already(
        &self,
        stored: Membership,
        role: Role,
        once: Option<&Once>,
        answer: impl Fn(&Added<Membership>) -> FirstAnswer,
    ) -> Result<Done<Added<Membership>>, Error> {
        if stored.role != role {
            return Err(Error::AlreadyMember);
        }
        idempotency::unchanged(self, once, Added::Already(stored), answer).await
    }

    /// A membership. For active members, and for the user themself whatever its status.
    pub async fn membership(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Membership, Error> {
        let key = keys::membership(&caller.tenant_id, user, organization);
        let view = self.view(caller, organization, &[&key]).await?;
        view.organization(caller, organization, self.clock.now())?;
        if caller.user_id != *user {
            let own = view.membership(&access::own_key(caller, organization))?;
            standing(caller, own.as_ref())?.require(Permission::ViewMembers)?;
        }
        view.membership(&key)?.ok_or(Error::NotFound)
    }

    /// The members of an organization by their ids, from behind `after` on. For active members.
    ///
    /// From an index, which lags a moment behind; read beside it, the organization and the
    /// caller's membership as they are now.
    pub async fn members(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        filter: MemberFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Membership>, Error> {
        let partition = keys::organization_partition(&caller.tenant_id, organization);
        let after = match after.map(UserId::parse) {
            Some(Ok(user)) => {
                let mut key = keys::membership(&caller.tenant_id, &user, organization).attributes();
                let member = keys::member(&caller.tenant_id, organization, &user);
                key.extend(member.attributes_of(GSI1));
                Some(key)
            }
            Some(Err(_)) => return Err(Error::InvalidPosition),
            None => None,
        };
        let members = self.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, "USER#".to_owned()),
            filter: filter.condition(),
            after,
            limit: filter.look_at(limit),
        });
        let (view, page) = tokio::try_join!(self.view(caller, organization, &[]), members)?;
        view.organization(caller, organization, self.clock.now())?;
        let own = view.membership(&access::own_key(caller, organization))?;
        standing(caller, own.as_ref())?.require(Permission::ViewMembers)?;

        let mut items = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let mut next = page
            .next
            .and_then(|key| Some(key.strip_prefix("USER#")?.to_owned()));
        if items.len() > limit {
            items.truncate(limit);
            next = items.last().map(|last| last.user_id.to_string());
        }
        Ok(Page { items, next })
    }

    /// The memberships of a user in organizations that are there, from behind `after` on. For the
    /// user, and tenant admins.
    pub async fn user_organizations(
        &self,
        caller: &Caller,
        user: &UserId,
        status: Option<Status>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MembershipOfOrganization>, Error> {
        self.require_self_or_tenant_admin(caller, user).await?;
        let key = |id| keys::membership(&caller.tenant_id, user, &id).attributes();
        let place = after.map(OrganizationId::parse).transpose();
        let start = place.map_err(|_| Error::InvalidPosition)?.map(key);
        let partition = keys::user_partition(&caller.tenant_id, user);
        let page = self
            .query(Query {
                index: None,
                condition: in_partition(None, partition, MEMBERSHIP_PREFIX.to_owned()),
                filter: MemberFilter { status, role: None }.condition(),
                after: start,
                limit,
            })
            .await?;
        if page.items.is_empty() && after.is_none() && caller.user_id != *user {
            // Somebody without memberships, or nobody at all?
            self.user(caller, user).await?;
        }
        let memberships = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let mut organizations = self.organizations_of(&memberships).await?;
        let now = self.clock.now();
        let items = memberships
            .into_iter()
            .filter_map(|membership| {
                let organization = organizations.remove(&membership.organization_id)?;
                (organization.is_live() && !organization.is_purged(now)).then_some(
                    MembershipOfOrganization {
                        membership,
                        organization,
                    },
                )
            })
            .collect();
        let next = page
            .next
            .and_then(|key| Some(key.strip_prefix(MEMBERSHIP_PREFIX)?.to_owned()));
        Ok(Page { items, next })
    }

    /// All active memberships of a user, highest roles first. For a trigger, which acts for no caller.
    pub async fn active_memberships(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<Membership>, Error> {
        let filter = MemberFilter {
            status: Some(Status::Active),
            role: None,
        };
        let mut memberships = Vec::new();
        let mut after = None;
        loop {
            let partition = keys::user_partition(tenant, user);
            let page = self
                .query(Query {
                    index: None,
                    condition: in_partition(None, partition.clone(), MEMBERSHIP_PREFIX.to_owned()),
                    filter: filter.condition(),
                    after,
                    limit: usize::MAX,
                })
                .await?;
            for item in page.items {
                memberships.push(from_row(item)?);
            }
            let Some(last) = page.next else {
                break;
            };
            after = Some(
                Key {
                    pk: partition,
                    sk: last,
                }
                .attributes(),
            );
        }
        memberships.sort_by_key(|one| std::cmp::Reverse(one.role.rank()));
        Ok(memberships)
    }

    /// Those of up to 100 memberships whose organizations are there, in their order. For a trigger.
    pub async fn of_live_organizations<'a>(
        &self,
        memberships: &'a [Membership],
    ) -> Result<Vec<&'a Membership>, Error> {
        let organizations = self.organizations_of(memberships).await?;
        let is_live = |one: &&Membership| {
            organizations
                .get(&one.organization_id)
                .is_some_and(Organization::is_live)
        };
        Ok(memberships.iter().filter(is_live).collect())
    }

    async fn organizations_of(
        &self,
        memberships: &[Membership],
    ) -> Result<HashMap<OrganizationId, Organization>, Error> {
        let keys: Vec<_> = memberships
            .iter()
            .map(|one| keys::organization(&one.tenant_id, &one.organization_id))
            .collect();
        let items = self.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        items
            .into_values()
            .map(|item| organizations::from_row(item).map(|found| (found.id.clone(), found)))
            .collect()
    }

    /// Changes role or status of a membership. For owners and admins, who touch and make nobody
    /// more than they are.
    ///
    /// One read, and one transaction on the condition that the membership is still in the version
    /// read, the caller may, the organization is there and keeps an owner.
    pub async fn update_membership(
        &self,
        caller: &Caller,
        (organization, user): (&OrganizationId, &UserId),
        patch: MembershipPatch,
        expected: &ExpectedVersion,
    ) -> Result<Membership, Error> {
        let key = keys::membership(&caller.tenant_id, user, organization);
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.view(caller, organization, &[&key]).await?;
            view.organization(caller, organization, now)?;
            let own = view.membership(&access::own_key(caller, organization))?;
            let standing = standing(caller, own.as_ref())?;
            standing.require(Permission::ManageMembers)?;
            let before = view.membership(&key)?.ok_or(Error::NotFound)?;
            if !standing.reaches(before.role) {
                return Err(Error::Forbidden);
            }
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            let after = patch.apply(&before, now).map_err(|reason| Error::Invalid {
                field: "/status",
                reason,
            })?;
            if !standing.reaches(after.role) {
                return Err(Error::Forbidden);
            }
            if after == before {
                return Ok(before);
            }

            let mut transaction = Transaction::new(self.clock.new_id());
            let higher = if before.role.reaches(after.role) {
                before.role
            } else {
                after.role
            };
            let requirement = Requirement {
                permission: Permission::ManageMembers,
                reach: Some(higher),
            };
            let mut change = change_to(&after);
            let mut condition = in_version(before.version);
            if caller.user_id == *user && !caller.tenant_admin {
                // No two actions of a transaction may name one item.
                change = change.set("last_active_at", text(now.to_string()));
                condition = condition.and(requirement.condition());
            } else {
                let who = (caller, organization);
                access::require(self, &mut transaction, Part::Caller, who, requirement, now);
            }
            transaction.update(self, Part::Membership, &key, change, condition);
            let owners = Owners::between(Some(&before), Some(&after));
            self.hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            match transaction.commit(self).await? {
                Ok(()) => return Ok(after),
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Takes a user out of an organization and its teams; done when they are not in it. For owners and admins,
    /// who touch nobody more than they are, and for the user themself.
    ///
    /// What the directory manages stays, unless a tenant admin forces it.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        (organization, user): (&OrganizationId, &UserId),
        force: bool,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let key = keys::membership(&caller.tenant_id, user, organization);
        let oneself = caller.user_id == *user;
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.view(caller, organization, &[&key]).await?;
            let before = view.membership(&key)?;
            if oneself && before.is_none() && !caller.tenant_admin {
                // Left before. Says nothing about the organization.
                return Ok(());
            }
            view.organization(caller, organization, now)?;
            if !oneself {
                let own = view.membership(&access::own_key(caller, organization))?;
                let standing = standing(caller, own.as_ref())?;
                standing.require(Permission::ManageMembers)?;
                if before
                    .as_ref()
                    .is_some_and(|before| !standing.reaches(before.role))
                {
                    return Err(Error::Forbidden);
                }
            }
            let Some(before) = before else {
                return Ok(());
            };
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            if before.source == Source::Entra && !(force && caller.tenant_admin) {
                return Err(Error::DirectoryManaged);
            }

            let joined = view
                .item(&key)
                .and_then(|item| item.get(JOINED_TEAMS))
                .cloned();
            let mut teams = Vec::new();
            if joined.is_some() {
                // After the membership: what is not found here was not there when it was read.
                teams = self
                    .teams_in_organization(&caller.tenant_id, user, organization)
                    .await?;
            }
            let mut transaction = Transaction::new(self.clock.new_id());
            if !oneself {
                let requirement = Requirement {
                    permission: Permission::ManageMembers,
                    reach: Some(before.role),
                };
                let who = (caller, organization);
                access::require(self, &mut transaction, Part::Caller, who, requirement, now);
            }
            let rest = teams.split_off(teams.len().min(MOST_TEAMS));
            for team in &teams {
                let of_organization = of_organization(organization);
                transaction.delete(self, Part::Team, team, of_organization);
            }
            if rest.is_empty() {
                let condition = in_version(before.version).and(joined_no_more_teams(joined));
                transaction.delete(self, Part::Membership, &key, condition);
            } else {
                // More than one transaction holds: some teams first, and the membership at the end.
                transaction.check(self, Part::Membership, &key, in_version(before.version));
            }
            let owners = match Owners::between(Some(&before), None) {
                Owners::OneLess if !rest.is_empty() => Owners::OneLessSoon,
                owners => owners,
            };
            self.hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            match transaction.commit(self).await? {
                Ok(()) if rest.is_empty() => return Ok(()),
                Ok(()) => continue,
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Makes the caller's open invitation an active membership; an active one stays as it is.
    ///
    /// One read, and one transaction on the condition that the invitation is still open and the
    /// organization there.
    pub async fn accept_invitation(
        &self,
        caller: &Caller,
        (organization, user): (&OrganizationId, &UserId),
        once: Option<&Once>,
        answer: impl Fn(&Membership) -> FirstAnswer,
    ) -> Result<Done<Membership>, Error> {
        let key = access::own_key(caller, organization);
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let mut more = vec![&key];
            more.extend(once.map(Once::key));
            let view = self.view(caller, organization, &more).await?;
            if let Some(first) = idempotency::found(once, &view)? {
                return Ok(Done::Before(first));
            }
            view.organization(caller, organization, now)?;
            let own = view.membership(&key)?;
            if caller.user_id != *user {
                // Nobody accepts for another.
                standing(caller, own.as_ref())?;
                return Err(Error::Forbidden);
            }
            let before = own.ok_or(Error::NotFound)?;
            match before.status {
                Status::Active => return idempotency::unchanged(self, once, before, answer).await,
                Status::Suspended => return Err(Error::InvitationNotPending),
                Status::Invited => {}
            }
            let after = Membership {
                status: Status::Active,
                version: before.version + 1,
                last_active_at: Some(now),
                updated_at: now,
                ..before.clone()
            };
            let mut transaction = Transaction::new(self.clock.new_id());
            let change = change_to(&after).set("last_active_at", text(now.to_string()));
            let condition = in_version(before.version);
            transaction.update(self, Part::Membership, &key, change, condition);
            let owners = Owners::between(Some(&before), Some(&after));
            self.hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            if let Some(once) = once {
                once.record(self, &mut transaction, Part::Record, &answer(&after))?;
            }
            match transaction.commit(self).await? {
                Ok(()) => return Ok(Done::Now(after)),
                // The next round finds the record.
                Err(unmet) if unmet.of(&Part::Record).is_some() => {}
                Err(unmet) => not_changed(&unmet, &ExpectedVersion::Any)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Makes the transaction hold only if the organization is there, and keeps count of its active
    /// owners, of whom at least one stays.
    fn hold_organization(
        &self,
        transaction: &mut Transaction<Part>,
        tenant: &TenantId,
        organization: &OrganizationId,
        owners: Owners,
    ) {
        let key = keys::organization(tenant, organization);
        let part = Part::Organization;
        let live = organizations::live();
        match owners {
            Owners::AsMany => transaction.check(self, part, &key, live),
            Owners::OneMore => {
                transaction.touch(self, part, &key, Change::new().add("owner_count", 1), live);
            }
            Owners::OneLessSoon => transaction.check(self, part, &key, live.and(another_owner())),
            Owners::OneLess => {
                let change = Change::new().add("owner_count", -1);
                transaction.touch(self, part, &key, change, live.and(another_owner()));
            }
        }
    }
}

/// Writes role and status of a membership.
pub(super) fn change_to(after: &Membership) -> Change {
    Change::new()
        .set("role", text(after.role.as_str()))
        .set("status", text(after.status.as_str()))
        .set("version", number(after.version))
        .set("updated_at", text(after.updated_at.to_string()))
}

/// That a team membership is gone, or of this organization.
pub(super) fn of_organization(organization: &OrganizationId) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #organization_id = :id")
        .value(":id", text(organization.as_str()))
}

/// That a member joined no team of the organization since this was what [`JOINED_TEAMS`] said.
pub(super) fn joined_no_more_teams(joined: Option<AttributeValue>) -> Condition {
    match joined {
        Some(joined) => {
            Condition::new(format!("#{JOINED_TEAMS} = :joined")).value(":joined", joined)
        }
        None => Condition::new(format!("attribute_not_exists(#{JOINED_TEAMS})")),
    }
}

/// That the organization has more active owners than one.
pub(super) fn another_owner() -> Condition {
    Condition::new("#owner_count > :one").value(":one", number(1))
}

fn in_version(version: u64) -> Condition {
    Condition::new("#version = :before").value(":before", number(version))
}

/// What it means that a change was not applied; nothing when it is to be tried anew.
fn not_changed(unmet: &Unmet<Part>, expected: &ExpectedVersion) -> Result<(), Error> {
    if let Some(refusal) = access::refusal(unmet, &Part::Caller) {
        return Err(refusal);
    }
    // Before the organization: the number of owners was right for another version of the membership.
    match unmet.of(&Part::Membership) {
        Some(Some(_)) if !expected.is_any() => return Err(Error::VersionMismatch),
        Some(_) => return Ok(()),
        None => {}
    }
    match unmet.of(&Part::Organization) {
        Some(item) if organizations::is_gone(item) => Err(Error::NotFound),
        Some(_) => Err(Error::LastOwner),
        None => Ok(()),
    }
}
