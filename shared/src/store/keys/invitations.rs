//! Keys of invitations.

use super::{GSI1, Key, escaped};
use crate::domain::{Email, InvitationId, OrganizationId, TenantId};
use crate::store::table::Item;

/// Sort key prefix of an invitation.
pub(in crate::store) const INVITATION_PREFIX: &str = "INVITATION#";

/// Returns the partition of an organization's invitations. Apart from the organization, whose partition has the load of
/// every request.
pub(in crate::store) fn invitations_partition(
    tenant: &TenantId,
    organization: &OrganizationId,
) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#INVITATIONS")
}

/// Returns the key of an invitation.
pub(in crate::store) fn invitation(
    tenant: &TenantId,
    organization: &OrganizationId,
    id: &InvitationId,
) -> Key {
    invitation_at(tenant, organization, format!("{INVITATION_PREFIX}{id}"))
}

/// Returns the key of an invitation with this sort key.
pub(in crate::store) fn invitation_at(
    tenant: &TenantId,
    organization: &OrganizationId,
    place: impl Into<String>,
) -> Key {
    Key::new(invitations_partition(tenant, organization), place)
}

/// Returns the partition in [`GSI1`](super::GSI1) of the invitations of an address, in all organizations of the tenant.
pub(in crate::store) fn invitations_of(tenant: &TenantId, email: &Email) -> String {
    format!("TENANT#{tenant}#INVITED#{}", escaped(&email.folded()))
}

/// Returns the key of an invitation in [`GSI1`](super::GSI1), under its address and sorted by creation.
pub(in crate::store) fn invitation_by_email(
    tenant: &TenantId,
    email: &Email,
    organization: &OrganizationId,
    id: &InvitationId,
) -> Key {
    Key::new(
        invitations_of(tenant, email),
        format!("{}{organization}", invitation_place(id)),
    )
}

/// Returns the start of the sort key of an invitation in [`GSI1`](super::GSI1).
pub(in crate::store) fn invitation_place(id: &InvitationId) -> String {
    format!("{INVITATION_PREFIX}{id}#")
}

/// Returns the attributes from which a query of an address in [`GSI1`](super::GSI1) continues after this sort key.
pub(in crate::store) fn invitation_start(
    tenant: &TenantId,
    email: &Email,
    place: &str,
) -> Option<Item> {
    let (id, organization) = place.strip_prefix(INVITATION_PREFIX)?.split_once('#')?;
    let id = InvitationId::parse(id).ok()?;
    let organization = OrganizationId::parse(organization).ok()?;
    let mut start = invitation(tenant, &organization, &id).attributes();
    start.extend(invitation_by_email(tenant, email, &organization, &id).attributes_of(GSI1));
    Some(start)
}

/// Returns the key of the item that an address has while it is invited into an organization. It is what makes a second
/// pending invitation fail.
pub(in crate::store) fn invitee(
    tenant: &TenantId,
    organization: &OrganizationId,
    email: &Email,
) -> Key {
    let email = escaped(&email.folded());
    Key::new(
        format!("TENANT#{tenant}#ORG#{organization}#INVITEE#{email}"),
        "INVITEE",
    )
}
