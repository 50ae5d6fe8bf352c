//! Memberships: their rows, and what is done with them.

mod accept;
mod add;
mod read;
mod remove;
mod update;

pub(super) use accept::inviter_of;

use crate::domain::{
    Membership, Organization, OrganizationId, Role, Source, Status, TenantId, Timestamp, UserId,
};
use crate::store::idempotency::Recorded;
use crate::store::keys::{self, GSI1};
use crate::store::settle::Unsettled;
use crate::store::table::{
    Change, Condition, Item, Transaction, Unmet, from_item, number, text, to_item,
};
use crate::store::team_members::JOINED_TEAMS;
use crate::store::{Refusal, access, organizations, table};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

/// How many members one page looks at when it looks for few among many.
const SIFTED: usize = 500;

/// Most teams that are left in one transaction, which has room for 100 actions.
pub(super) const MOST_TEAMS: usize = 90;

/// Attribute of a membership whose role a tenant admin gave: their right came from the token, and is
/// not looked for in a membership.
const INVITED_BY_TENANT_ADMIN: &str = "invited_by_tenant_admin";

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

/// The attributes of the item, but for its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct Row {
    tenant_id: TenantId,
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    status: Status,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_by_user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    invited_by_tenant_admin: bool,
    spend: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_at: Option<Timestamp>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) fn to_row(membership: &Membership) -> Result<Item, table::Error> {
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
    to_item(&membership.to_recorded(), keys)
}

pub(super) fn from_row(item: Item) -> Result<Membership, table::Error> {
    Membership::from_recorded(from_item(item)?)
}

impl Recorded for Membership {
    type Row = Row;

    fn to_recorded(&self) -> Row {
        Row {
            tenant_id: self.tenant_id.clone(),
            organization_id: self.organization_id.clone(),
            user_id: self.user_id.clone(),
            role: self.role,
            status: self.status,
            source: self.source,
            invited_by_user_id: self.invited_by_user_id.clone(),
            invited_by_tenant_admin: self.invited_by_tenant_admin,
            spend: self.spend,
            budget_id: self.budget_id.clone(),
            last_active_at: self.last_active_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn from_recorded(row: Row) -> Result<Self, table::Error> {
        Ok(Self {
            tenant_id: row.tenant_id,
            organization_id: row.organization_id,
            user_id: row.user_id,
            role: row.role,
            status: row.status,
            source: row.source,
            invited_by_user_id: row.invited_by_user_id,
            invited_by_tenant_admin: row.invited_by_tenant_admin,
            spend: row.spend,
            budget_id: row.budget_id,
            last_active_at: row.last_active_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The parts of the transactions on a membership.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Caller,
    Inviter,
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

/// Writes role and status of a membership.
pub(super) fn change_to(after: &Membership) -> Change {
    also_change_to(Change::new(), after)
}

/// The same, with what else is changed.
pub(super) fn also_change_to(change: Change, after: &Membership) -> Change {
    change
        .set("role", text(after.role.as_str()))
        .set("status", text(after.status.as_str()))
        .set("version", number(after.version))
        .set("updated_at", text(after.updated_at.to_string()))
}

/// Writes who gave an open invitation its role.
fn change_inviter(change: Change, after: &Membership) -> Change {
    let change = match &after.invited_by_user_id {
        Some(inviter) => change.set("invited_by_user_id", text(inviter.as_str())),
        None => change.remove("invited_by_user_id"),
    };
    if after.invited_by_tenant_admin {
        change.set(INVITED_BY_TENANT_ADMIN, AttributeValue::Bool(true))
    } else {
        change.remove(INVITED_BY_TENANT_ADMIN)
    }
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

/// That a membership is the one that was read, as it was read. Its version alone would not tell: one
/// that was deleted and created again starts at 1.
pub(super) fn unchanged(before: &Membership) -> Condition {
    Condition::new(
        "#version = :read_version AND #created_at = :read_created_at AND #role = :read_role \
         AND #status = :read_status AND #source = :read_source",
    )
    .value(":read_version", number(before.version))
    .value(":read_created_at", text(before.created_at.to_string()))
    .value(":read_role", text(before.role.as_str()))
    .value(":read_status", text(before.status.as_str()))
    .value(":read_source", text(before.source.as_str()))
}

/// Maps the conditions that failed to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<Action>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &Action::Caller) {
        return refusal.into();
    }
    // Before the organization: the number of owners was right for another version of the membership.
    // Whether there is another version or none is for the next read to say.
    if unmet.of(&Action::Membership).is_some() {
        return Unsettled::Overtaken;
    }
    match unmet.of(&Action::Organization) {
        Some(item) if organizations::is_gone(item) => Refusal::NotFound.into(),
        Some(_) => Refusal::LastOwner.into(),
        None => Unsettled::Overtaken,
    }
}

/// Makes the transaction hold only if the organization is there, and keeps count of its active
/// owners, of whom at least one stays.
fn hold_organization(
    transaction: &mut Transaction<'_, Action>,
    tenant: &TenantId,
    organization: &OrganizationId,
    owners: Owners,
) {
    let key = keys::organization(tenant, organization);
    let part = Action::Organization;
    let live = organizations::live();
    match owners {
        Owners::AsMany => transaction.check(part, &key, live),
        Owners::OneMore => {
            transaction.touch(part, &key, Change::new().add("owner_count", 1), live);
        }
        Owners::OneLessSoon => transaction.check(part, &key, live.and(another_owner())),
        Owners::OneLess => {
            let change = Change::new().add("owner_count", -1);
            transaction.touch(part, &key, change, live.and(another_owner()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_for_few_among_many_looks_far() {
        let look_at = |status, role| MemberFilter { status, role }.look_at(50);
        let owner = Some(Role::Owner);
        assert_eq!(look_at(None, None), 50);
        assert_eq!(look_at(Some(Status::Active), None), 50);
        assert_eq!(look_at(Some(Status::Invited), None), SIFTED);
        assert_eq!(look_at(None, owner), SIFTED);
        assert_eq!(look_at(Some(Status::Active), owner), SIFTED);
        assert_eq!(look_at(Some(Status::Suspended), owner), SIFTED);
        let further = MemberFilter {
            status: None,
            role: owner,
        }
        .look_at(SIFTED + 1);
        assert_eq!(further, SIFTED + 1);
    }
}
