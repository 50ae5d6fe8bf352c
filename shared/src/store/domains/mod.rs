//! Domains of organizations: their rows and operations.
//!
//! Each organization has its own item for a domain, so that a domain that is not verified locks out no other
//! organization. A verified domain also has an item of the tenant, which names its organization. Writing it on the
//! condition that it names no other organization gives the domain to one of them.

mod create;
mod delete;
mod join;
mod read;
mod recheck;
mod update;
mod verify;

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Caller, Domain, DomainStatus, DomainToken, EventDraft, EventType, OrganizationDomain,
    OrganizationId, Permission, RECHECK_INTERVAL, Role, Target, TargetType, TenantId, Timestamp,
    Transition, UserId,
};
use crate::store::access::{self, Requirement};
use crate::store::keys::{self, GSI2, Key};
use crate::store::rows::{Recorded, organizations};
use crate::store::settle::Unsettled;
use crate::store::table::{
    Condition, Item, ItemChange, Transaction, Unmet, from_item, number, text, to_item,
};
use crate::store::{Refusal, table};

pub use join::DomainOfLogin;
pub use recheck::DueDomain;
pub use verify::DomainToVerify;

/// Attributes that a change of a domain writes.
const CHANGEABLE: [&str; 11] = [
    "status",
    "auto_join",
    "auto_join_role",
    "verified_at",
    "last_checked_at",
    "failure",
    "misses",
    "version",
    "updated_at",
    "gsi2pk",
    "gsi2sk",
];

/// The requirement of all operations on domains.
const MANAGE: Requirement = Requirement {
    permission: Permission::ManageDomains,
    reach: None,
};

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct DomainRow {
    tenant_id: TenantId,
    organization_id: OrganizationId,
    domain: Domain,
    status: DomainStatus,
    token: DomainToken,
    auto_join: bool,
    auto_join_role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_checked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default)]
    misses: u8,
    version: u64,
    created_by: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Recorded for OrganizationDomain {
    type Row = DomainRow;

    fn to_recorded(&self) -> DomainRow {
        let one = self.clone();
        DomainRow {
            tenant_id: one.tenant_id,
            organization_id: one.organization_id,
            domain: one.domain,
            status: one.status,
            token: one.token,
            auto_join: one.auto_join,
            auto_join_role: one.auto_join_role,
            verified_at: one.verified_at,
            last_checked_at: one.last_checked_at,
            failure: one.failure,
            misses: one.misses,
            version: one.version,
            created_by: one.created_by,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }

    fn from_recorded(row: DomainRow) -> Result<Self, table::Error> {
        Ok(Self {
            tenant_id: row.tenant_id,
            organization_id: row.organization_id,
            domain: row.domain,
            status: row.status,
            token: row.token,
            auto_join: row.auto_join,
            auto_join_role: row.auto_join_role,
            verified_at: row.verified_at,
            last_checked_at: row.last_checked_at,
            failure: row.failure,
            misses: row.misses,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The attributes of the item that gives a verified domain to an organization, except its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ClaimRow {
    tenant_id: TenantId,
    organization_id: OrganizationId,
    domain: Domain,
    auto_join: bool,
    auto_join_role: Role,
}

/// Labels of the actions in transactions on a domain.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DomainAction {
    Caller,
    Organization,
    Domain,
    Claim,
    Count,
    Previous,
    PreviousOrganization,
    User,
    Membership,
    Left,
    Invitee,
    Record,
    /// The item that says that the tenant has domains.
    Mark,
}

fn key_of(one: &OrganizationDomain) -> Key {
    keys::domain(&one.tenant_id, &one.organization_id, &one.domain)
}

/// Returns the place of a verified domain in the index by the time of the next check.
fn check_place(one: &OrganizationDomain) -> String {
    let checked = one.last_checked_at.unwrap_or(one.updated_at);
    keys::domain_check_place(
        checked.after(RECHECK_INTERVAL),
        &one.tenant_id,
        &one.organization_id,
        &one.domain,
    )
}

/// Returns the item of a domain. A verified one is in the index by the time of its next check.
fn to_row(one: &OrganizationDomain) -> Result<Item, table::Error> {
    let in_index = if one.status == DomainStatus::Verified {
        Key::new(keys::domain_checks_partition(), check_place(one)).attributes_of(GSI2)
    } else {
        Item::new()
    };
    to_item(&one.to_recorded(), [key_of(one).attributes(), in_index])
}

fn from_row(item: impl Borrow<Item>) -> Result<OrganizationDomain, table::Error> {
    OrganizationDomain::from_recorded(from_item(item)?)
}

/// Returns the change that writes what can change of a domain.
fn to_change(after: &OrganizationDomain) -> Result<ItemChange, table::Error> {
    Ok(ItemChange::taking(&CHANGEABLE, &to_row(after)?))
}

/// Returns whether a verified domain belongs to this organization.
pub(in crate::store) fn is_claimed_by(claim: &Item, organization: &OrganizationId) -> bool {
    let owner = crate::store::table::text_of(claim, "organization_id");
    owner.is_ok_and(|owner| owner == organization.as_str())
}

/// Returns the condition that a domain is as it was read. The version alone is not enough: a domain that was removed
/// and added again starts at version 1, with another token; and a check does not change the version.
fn unchanged(before: &OrganizationDomain) -> Result<Condition, table::Error> {
    let row = to_row(before)?;
    let as_read = ["token", "version", "last_checked_at", "misses"].iter();
    Ok(as_read.fold(Condition::present(), |condition, name| {
        match row.get(*name) {
            Some(value) => condition.and(
                Condition::new(format!("#{name} = :read_{name}"))
                    .value(&format!(":read_{name}"), value.clone()),
            ),
            None => condition.and(Condition::new(format!("attribute_not_exists(#{name})"))),
        }
    }))
}

/// Returns the condition that no other organization has verified the domain.
fn not_of_another(organization: &OrganizationId) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #organization_id = :own")
        .value(":own", text(organization.as_str()))
}

/// Adds the item that gives the verified domain to its organization, and the one that says that the tenant has domains.
fn put_claim(
    transaction: &mut Transaction<'_, DomainAction>,
    one: &OrganizationDomain,
    condition: Condition,
) -> Result<(), table::Error> {
    let row = ClaimRow {
        tenant_id: one.tenant_id.clone(),
        organization_id: one.organization_id.clone(),
        domain: one.domain.clone(),
        auto_join: one.auto_join,
        auto_join_role: one.auto_join_role,
    };
    let key = keys::domain_claim(&one.tenant_id, &one.domain);
    let item = to_item(&row, [key.attributes(), Item::new()])?;
    transaction.put(DomainAction::Claim, item, condition);
    let mark = keys::has_domains(&one.tenant_id).attributes();
    transaction.put(DomainAction::Mark, mark, Condition::none());
    Ok(())
}

/// Adds the condition that the caller may manage the domains of a live organization.
fn require(
    transaction: &mut Transaction<'_, DomainAction>,
    caller: &Caller,
    organization: &OrganizationId,
    now: Timestamp,
) {
    access::require(
        transaction,
        DomainAction::Caller,
        caller,
        organization,
        MANAGE,
        now,
    );
}

/// Adds the condition that the organization is live.
fn hold_organization(
    transaction: &mut Transaction<'_, DomainAction>,
    tenant: &TenantId,
    organization: &OrganizationId,
) {
    let key = keys::organization(tenant, organization);
    transaction.check(DomainAction::Organization, &key, organizations::live());
}

/// Returns the change that adds to the number of an organization's domains.
fn count(by: i32) -> ItemChange {
    ItemChange::new().add("domain_count", by)
}

/// Returns the condition that an organization can have another domain.
fn below(most: u8) -> Condition {
    Condition::new("attribute_not_exists(#domain_count) OR #domain_count < :most")
        .value(":most", number(most))
}

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<DomainAction>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &DomainAction::Caller) {
        return refusal.into();
    }
    if unmet.of(&DomainAction::Organization).is_some() {
        return Refusal::NotFound.into();
    }
    Unsettled::Overtaken
}

fn event(event_type: EventType, transition: Transition<'_, OrganizationDomain>) -> EventDraft {
    let one = transition.resource();
    let target = Target::new(TargetType::Domain, one.domain.as_str(), None);
    let organization = Target::organization(&one.organization_id, None);
    EventDraft::other(
        event_type,
        &one.tenant_id,
        Some(&one.organization_id),
        target,
        transition,
        one.version,
    )
    .with_targets([organization])
}

#[cfg(test)]
mod tests;
