//! The operations on organizations.

mod create;
mod delete;
mod read;
mod restore;
mod transfer_ownership;
mod update;
mod write;

use crate::domain::{
    Domain, FoldedName, Organization, OrganizationId, OrganizationStatus, TenantId,
};
use crate::store::Error;
use crate::store::keys;
use crate::store::table::{Condition, Item, Transaction, text, to_item};
use serde::Serialize;

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

/// Labels of the actions in transactions on an organization.
#[derive(Clone, Copy, Debug, PartialEq)]
enum OrganizationAction {
    Caller,
    Organization,
    NewName,
    OldName,
    Owner,
    User,
    Record,
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
