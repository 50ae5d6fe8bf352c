//! Organizations.

use std::borrow::Borrow;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::Recorded;
use crate::domain::{
    BillingAddress, Domain, Email, FoldedName, Limits, Metadata, Name, Organization,
    OrganizationId, OrganizationStatus, RETENTION, Source, StripeCustomerId, TenantId, Timestamp,
    UserId,
};
use crate::store::keys::{GSI1, GSI2, Key};
use crate::store::table::{
    Condition, Item, ItemChange, Transaction, from_item, number, text, to_item,
};
use crate::store::{keys, table};

/// Attribute: the name that the login sync set last on an organization or a team. While it equals the name, the
/// name has not been changed by hand.
pub(in crate::store) const SYNCED_NAME: &str = "synced_name";

/// Attribute: `true` on an organization that was created by a release that records events, so that each of its members
/// has them. Never changed.
pub(in crate::store) const COUNTS_FROM_START: &str = "counts_from_start";

/// Attribute of an organization all of whose memberships are in the index of people by name. Organizations of the last
/// release do not have it.
pub(in crate::store) const NAMES_INDEXED: &str = "names_indexed";

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct OrganizationRow {
    id: OrganizationId,
    tenant_id: TenantId,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_email: Option<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<BillingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_customer_id: Option<StripeCustomerId>,
    /// JSON, because DynamoDB's numbers differ from those of JSON.
    metadata: String,
    limits: Limits,
    spend: f64,
    source: Source,
    status: OrganizationStatus,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// When DynamoDB may purge the item, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

pub(in crate::store) fn to_row(organization: &Organization) -> Result<Item, table::Error> {
    let Organization {
        id,
        tenant_id,
        name,
        domain,
        ..
    } = organization.clone();
    let place = keys::by_name(&name.folded(), &id);
    let in_index = |index: &str, partition: String| {
        Key {
            pk: partition,
            sk: place.clone(),
        }
        .attributes_of(index)
    };
    let mut item = to_item(
        &organization.to_recorded(),
        [
            keys::organization(&tenant_id, &id).attributes(),
            in_index(
                GSI1,
                keys::organizations_partition(&tenant_id, organization.status),
            ),
        ],
    )?;
    item.insert(COUNTS_FROM_START.to_owned(), AttributeValue::Bool(true));
    if let Some(domain) = domain {
        item.extend(in_index(
            GSI2,
            keys::domain_partition(&tenant_id, &domain, organization.status),
        ));
    }
    Ok(item)
}

/// Returns when DynamoDB may purge a deleted organization. The organization of a directory group is never
/// purged: otherwise the login sync would create an organization deleted by hand again, with its former
/// memberships.
fn expires_at(organization: &Organization) -> Option<i64> {
    match organization.source {
        Source::Manual | Source::Domain | Source::Invitation => {
            Some(organization.deleted_at?.after(RETENTION).as_second())
        }
        Source::Entra | Source::Scim => None,
    }
}

pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<Organization, table::Error> {
    Organization::from_recorded(from_item(item)?)
}

impl Recorded for Organization {
    type Row = OrganizationRow;

    fn to_recorded(&self) -> OrganizationRow {
        OrganizationRow {
            domain: self.domain.clone(),
            billing_email: self.billing_email.clone(),
            billing_address: self.billing_address.clone(),
            stripe_customer_id: self.stripe_customer_id.clone(),
            metadata: self.metadata.to_json(),
            limits: self.limits.clone(),
            spend: self.spend,
            source: self.source,
            status: self.status,
            version: self.version,
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            expires_at: expires_at(self),
            id: self.id.clone(),
            tenant_id: self.tenant_id.clone(),
            name: self.name.clone(),
        }
    }

    fn from_recorded(row: OrganizationRow) -> Result<Self, table::Error> {
        let metadata: Metadata =
            serde_json::from_str(&row.metadata).map_err(table::Error::unreadable)?;
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            name: row.name,
            domain: row.domain,
            billing_email: row.billing_email,
            billing_address: row.billing_address,
            stripe_customer_id: row.stripe_customer_id,
            metadata,
            limits: row.limits,
            spend: row.spend,
            source: row.source,
            status: row.status,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

/// Returns the name under which a stored organization is reserved. The name of an organization from the first
/// release may be reserved in the form in which that release compared names. The sort key in the list by name
/// shows the form.
pub(in crate::store) fn reserved_name(item: &Item, organization: &Organization) -> FoldedName {
    let before = organization.name.folded_in_first_release();
    let is_reserved_so = |name: &FoldedName| {
        item.get("gsi1sk") == Some(&text(keys::by_name(name, &organization.id)))
    };
    before
        .filter(is_reserved_so)
        .unwrap_or_else(|| organization.name.folded())
}

/// Returns the condition that an organization is live.
pub(in crate::store) fn live() -> Condition {
    Condition::new("#status = :live").value(":live", text("active"))
}

/// Returns whether [`live`] failed because the organization is deleted or does not exist.
pub(in crate::store) fn is_gone(item: Option<&Item>) -> bool {
    item.and_then(|item| item.get("status")) != Some(&text("active"))
}

/// Returns the condition that the organization has more than one active owner.
pub(in crate::store) fn another_owner() -> Condition {
    Condition::new("#owner_count > :one").value(":one", number(1))
}

/// Changes the number of the organization's active owners by `more`, in the transaction that makes members active owners
/// or ends that, on a condition on the organization. One owner at least remains.
pub(in crate::store) fn count_owners<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    organization: &Key,
    more: i32,
    condition: Condition,
) {
    if more == 0 {
        transaction.check(label, organization, condition);
        return;
    }
    let condition = if more.is_negative() {
        condition.and(another_owner())
    } else {
        condition
    };
    let change = ItemChange::new().add("owner_count", more);
    transaction.touch(label, organization, change, condition);
}

/// Returns whether the organization has more than one active owner.
pub(in crate::store) fn has_another_owner(organization: &Item) -> bool {
    let count = organization
        .get("owner_count")
        .and_then(|it| it.as_n().ok());
    count
        .and_then(|count| count.parse::<u64>().ok())
        .is_some_and(|count| count > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples;

    #[test]
    fn a_deleted_organization_is_purged_unless_a_directory_made_it() {
        let expiry = |source, deleted_at| {
            expires_at(&Organization {
                source,
                deleted_at,
                ..samples::organization()
            })
        };
        let now = samples::now();
        let then = Some(now.after(RETENTION).as_second());
        for source in [Source::Manual, Source::Domain, Source::Invitation] {
            assert_eq!(expiry(source, Some(now)), then, "{source:?}");
            assert_eq!(expiry(source, None), None, "{source:?}");
        }
        for source in [Source::Entra, Source::Scim] {
            assert_eq!(expiry(source, Some(now)), None, "{source:?}");
        }
    }

    #[test]
    fn an_organization_of_the_first_release_is_reserved_as_listed() {
        let name: Name = serde_json::from_value("Acme\u{2800}".into()).unwrap();
        let tenant = TenantId::parse("acme").unwrap();
        let ada = UserId::parse("ada").unwrap();
        let id = OrganizationId::parse("o").unwrap();
        let now = Timestamp::EPOCH;
        let organization = Organization::new(id.clone(), tenant, name.clone(), ada, now);
        let before = name.folded_in_first_release().unwrap();
        for folded in [before, name.folded()] {
            let place = text(keys::by_name(&folded, &id));
            let item = Item::from([("gsi1sk".to_owned(), place)]);
            assert_eq!(reserved_name(&item, &organization), folded);
        }
    }
}
