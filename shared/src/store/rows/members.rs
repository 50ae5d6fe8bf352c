//! Memberships in organizations.

use std::borrow::Borrow;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Recorded, names};
use crate::domain::{
    MAX_TARGETS, Membership, OrganizationId, Role, Source, Status, TenantId, Timestamp, UserId,
    open_until,
};
use crate::store::keys::GSI1;
use crate::store::table::{Condition, Item, ItemChange, from_item, number, text, to_item};
use crate::store::{keys, table};

/// Attribute of a membership whose role was granted by a tenant admin. The admin's permission came from the
/// token, so it is not looked up in a membership.
const INVITED_BY_TENANT_ADMIN: &str = "invited_by_tenant_admin";

/// Attribute of a membership in an organization: counts how often the user was added to a team of the
/// organization. Leaving the organization is conditional on this count, so that no team is joined in between.
pub(in crate::store) const JOINED_TEAMS: &str = "joined_teams";

/// Attribute of a membership that the sync created: the role that the sync set last. While it equals the role,
/// the role has not been changed by hand.
pub(in crate::store) const SYNCED_ROLE: &str = "synced_role";

/// Attribute of a membership or team membership that the sync suspended: the source of the suspension. Removed
/// when the status is changed by hand.
pub(in crate::store) const SUSPENDED_BY: &str = "suspended_by";

/// Attribute of a membership that a group gives through `group_map`: the id of that group.
pub(in crate::store) const MAPPED_FROM: &str = "mapped_from";

/// Maximum number of teams left in one transaction, which is limited to 100 actions. Its event names them, the user
/// and the organization as targets.
pub(in crate::store) const MOST_TEAMS: usize = MAX_TARGETS - 2;

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

pub(in crate::store) fn to_row(membership: &Membership) -> Result<Item, table::Error> {
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

pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<Membership, table::Error> {
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

/// Returns the change that writes role and status of a membership.
pub(in crate::store) fn change_to(after: &Membership) -> ItemChange {
    also_change_to(ItemChange::new(), after)
}

/// Adds the change of role and status to `change`.
pub(in crate::store) fn also_change_to(change: ItemChange, after: &Membership) -> ItemChange {
    change
        .set("role", text(after.role.as_str()))
        .set("status", text(after.status.as_str()))
        .set("version", number(after.version))
        .set("updated_at", text(after.updated_at.to_string()))
}

/// Adds the user who granted the role of an open invitation to the change.
pub(in crate::store) fn change_inviter(change: ItemChange, after: &Membership) -> ItemChange {
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
pub(in crate::store) fn of_organization(organization: &OrganizationId) -> Condition {
    Condition::new("#organization_id = :id").value(":id", text(organization.as_str()))
}

/// Returns the condition that the member has joined no team of the organization since [`JOINED_TEAMS`] had this
/// value.
pub(in crate::store) fn joined_no_more_teams(joined: Option<AttributeValue>) -> Condition {
    match joined {
        Some(joined) => {
            Condition::new(format!("#{JOINED_TEAMS} = :joined")).value(":joined", joined)
        }
        None => Condition::new(format!("attribute_not_exists(#{JOINED_TEAMS})")),
    }
}

/// Returns the condition that the membership is unchanged since it was read. The version alone is not enough: a
/// membership that was deleted and created again starts at version 1.
pub(in crate::store) fn unchanged(before: &Membership) -> Condition {
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
