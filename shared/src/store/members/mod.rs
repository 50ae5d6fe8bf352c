//! Memberships: their rows and operations.

mod accept;
mod add;
mod add_many;
mod count;
mod list;
mod read;
mod remove;
mod transfer;
mod update;

pub(super) use accept::inviter_of;
pub(super) use count::member_count;
pub use list::{Member, MemberSort};

use crate::domain::{
    MAX_TARGETS, Membership, Organization, OrganizationId, Role, Source, Status, TenantId,
    Timestamp, UserId, open_until,
};
use crate::store::idempotency::Recorded;
use crate::store::keys::{self, GSI1};
use crate::store::settle::Unsettled;
use crate::store::table::{
    Change, Condition, Item, Transaction, Unmet, from_item, number, text, to_item,
};
use crate::store::team_members::JOINED_TEAMS;
use crate::store::users::names;
use crate::store::{Refusal, access, organizations, table};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

/// Number of members that one page reads when few of many match.
const SIFTED: usize = 500;

/// Maximum number of teams left in one transaction, which is limited to 100 actions. Its event names them, the user
/// and the organization as targets.
pub(super) const MOST_TEAMS: usize = MAX_TARGETS - 2;

/// Attribute of a membership whose role was granted by a tenant admin. The admin's permission came from the
/// token, so it is not looked up in a membership.
const INVITED_BY_TENANT_ADMIN: &str = "invited_by_tenant_admin";

/// Filter of a list of members by status and role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members with this status; `None` for any status.
    pub status: Option<Status>,
    /// Only members with this role; `None` for any role.
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

    /// Returns how many members to read for a page of `limit`. Most members are active, so any other filter
    /// reads more, to avoid a series of empty pages.
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
    /// The organization, which is live.
    pub organization: Organization,
}

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct MembershipRow {
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
    let joined_at = membership.created_at;
    let keys = [
        keys::membership(&tenant_id, &user_id, &organization_id).attributes(),
        keys::member(&tenant_id, &organization_id, &user_id, joined_at).attributes_of(GSI1),
    ];
    let mut item = to_item(&membership.to_recorded(), keys)?;
    item.extend(names::without_copy(&tenant_id, &organization_id, &user_id));
    Ok(item)
}

pub(super) fn from_row(item: Item) -> Result<Membership, table::Error> {
    Membership::from_recorded(from_item(item)?)
}

impl Recorded for Membership {
    type Row = MembershipRow;

    fn to_recorded(&self) -> MembershipRow {
        MembershipRow {
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

    fn from_recorded(row: MembershipRow) -> Result<Self, table::Error> {
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
            expires_at: open_until(row.status, row.updated_at),
            last_active_at: row.last_active_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Labels of the actions in transactions on a membership.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Caller,
    Inviter,
    Organization,
    Membership,
    Team,
    User,
    Left,
    Invitation,
    Invitee,
    Record,
}

/// How a write changes the number of active owners.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owners {
    OneMore,
    AsMany,
    OneLess,
    /// The number does not change yet, but the write fails if it could not decrease.
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

/// Returns the change that writes role and status of a membership.
pub(super) fn change_to(after: &Membership) -> Change {
    also_change_to(Change::new(), after)
}

/// Adds the change of role and status to `change`.
pub(super) fn also_change_to(change: Change, after: &Membership) -> Change {
    change
        .set("role", text(after.role.as_str()))
        .set("status", text(after.status.as_str()))
        .set("version", number(after.version))
        .set("updated_at", text(after.updated_at.to_string()))
}

/// Adds the user who granted the role of an open invitation to the change.
pub(super) fn change_inviter(change: Change, after: &Membership) -> Change {
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

/// Returns the condition that a team membership exists and belongs to this organization. The event of the departure
/// names the team, so the user has to have been in it until then.
pub(super) fn of_organization(organization: &OrganizationId) -> Condition {
    Condition::new("#organization_id = :id").value(":id", text(organization.as_str()))
}

/// Returns the condition that the member has joined no team of the organization since [`JOINED_TEAMS`] had this
/// value.
pub(super) fn joined_no_more_teams(joined: Option<AttributeValue>) -> Condition {
    match joined {
        Some(joined) => {
            Condition::new(format!("#{JOINED_TEAMS} = :joined")).value(":joined", joined)
        }
        None => Condition::new(format!("attribute_not_exists(#{JOINED_TEAMS})")),
    }
}

/// Returns the condition that the organization has more than one active owner.
pub(super) fn another_owner() -> Condition {
    Condition::new("#owner_count > :one").value(":one", number(1))
}

/// Returns the condition that the membership is unchanged since it was read. The version alone is not enough: a
/// membership that was deleted and created again starts at version 1.
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

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<Action>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &Action::Caller) {
        return refusal.into();
    }
    // Checked before the organization: the number of owners was computed for another version of the membership.
    // The next read finds out whether the membership was changed or deleted.
    if unmet.of(&Action::Membership).is_some() {
        return Unsettled::Overtaken;
    }
    match unmet.of(&Action::Organization) {
        Some(item) if organizations::is_gone(item) => Refusal::NotFound.into(),
        Some(_) => Refusal::LastOwner.into(),
        None => Unsettled::Overtaken,
    }
}

/// Makes the transaction conditional on the organization being live, and updates the count of its active
/// owners, of which at least one remains.
fn hold_organization(
    transaction: &mut Transaction<'_, Action>,
    tenant: &TenantId,
    organization: &OrganizationId,
    owners: Owners,
) {
    let live = organizations::live();
    let key = keys::organization(tenant, organization);
    let part = Action::Organization;
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
    fn filters_with_few_matches_read_larger_pages() {
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
