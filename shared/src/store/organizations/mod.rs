//! Organizations: their rows and operations.

mod change;
mod create;
mod read;

use crate::domain::{
    BillingAddress, Domain, Email, FoldedName, Limits, Metadata, Name, Organization,
    OrganizationId, OrganizationStatus, RETENTION, Source, StripeCustomerId, TenantId, Timestamp,
    UserId,
};
use crate::store::idempotency::Recorded;
use crate::store::keys::{self, GSI1, GSI2, Key};
use crate::store::table::{Condition, Item, Transaction, from_item, text, to_item};
use crate::store::{Error, table};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

/// Attribute: the name that the login sync set last on an organization or a team. While it equals the name, the
/// name has not been changed by hand.
pub(super) const SYNCED_NAME: &str = "synced_name";

/// Attribute: `true` on an organization that was created by a release that records events, so that each of its members
/// has them. Never changed.
pub(super) const COUNTS_FROM_START: &str = "counts_from_start";

/// Attributes that an update of an organization writes. `owner_count` is not among them: it changes only with
/// memberships.
const CHANGEABLE: [&str; 16] = [
    "name",
    "domain",
    "billing_email",
    "billing_address",
    "stripe_customer_id",
    "metadata",
    "limits",
    "status",
    "version",
    "updated_at",
    "deleted_at",
    "expires_at",
    "gsi1pk",
    "gsi1sk",
    "gsi2pk",
    "gsi2sk",
];

/// Filter of a list of organizations.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationFilter {
    /// Only live organizations, or only deleted ones.
    pub status: OrganizationStatus,
    /// Only organizations of this domain.
    pub domain: Option<Domain>,
    /// Only organizations with this name.
    pub name: Option<FoldedName>,
    /// Only organizations whose names start with this prefix.
    pub name_prefix: Option<FoldedName>,
}

/// An organization as a caller may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationForCaller {
    /// The organization.
    pub organization: Organization,
    /// Whether the caller may see its billing fields.
    pub with_billing: bool,
    /// The number of its active members. `None` until they have been counted.
    pub member_count: Option<u64>,
}

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

pub(super) fn to_row(organization: &Organization) -> Result<Item, table::Error> {
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

pub(super) fn from_row(item: Item) -> Result<Organization, table::Error> {
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
pub(super) fn reserved_name(item: &Item, organization: &Organization) -> FoldedName {
    let before = organization.name.folded_in_first_release();
    let is_reserved_so = |name: &FoldedName| {
        item.get("gsi1sk") == Some(&text(keys::by_name(name, &organization.id)))
    };
    before
        .filter(is_reserved_so)
        .unwrap_or_else(|| organization.name.folded())
}

/// Labels of the actions in transactions on an organization.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Caller,
    Organization,
    NewName,
    OldName,
    Owner,
    User,
    Record,
}

/// Returns the condition that an organization is live.
pub(super) fn live() -> Condition {
    Condition::new("#status = :live").value(":live", text("active"))
}

/// Returns whether [`live`] failed because the organization is deleted or does not exist.
pub(super) fn is_gone(item: Option<&Item>) -> bool {
    item.and_then(|item| item.get("status")) != Some(&text("active"))
}

pub(super) fn reserve_name<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    organization: &Organization,
) -> Result<(), Error> {
    #[derive(Serialize)]
    struct Reservation<'a> {
        tenant_id: &'a TenantId,
        organization_id: &'a OrganizationId,
    }

    let key = keys::name_reservation(&organization.tenant_id, &organization.name.folded());
    let reservation = Reservation {
        tenant_id: &organization.tenant_id,
        organization_id: &organization.id,
    };
    let item = to_item(&reservation, [key.attributes(), Item::new()])?;
    let free = Condition::new("attribute_not_exists(#pk) OR #organization_id = :id")
        .value(":id", text(organization.id.as_str()));
    transaction.put(label, item, free);
    Ok(())
}
