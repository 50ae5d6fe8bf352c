//! Keys of domains.

use super::{Key, user_partition};
use crate::domain::{Domain, OrganizationId, TenantId, Timestamp, UserId};

/// Sort key prefix of a domain of an organization.
pub(in crate::store) const DOMAIN_PREFIX: &str = "DOMAIN#";

/// Returns the partition of an organization's domains.
pub(in crate::store) fn domains_partition(
    tenant: &TenantId,
    organization: &OrganizationId,
) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#DOMAINS")
}

/// Returns the key of a domain of an organization, verified or not.
pub(in crate::store) fn domain(
    tenant: &TenantId,
    organization: &OrganizationId,
    domain: &Domain,
) -> Key {
    domain_at(tenant, organization, format!("{DOMAIN_PREFIX}{domain}"))
}

/// Returns the key of a domain of an organization with this sort key.
pub(in crate::store) fn domain_at(
    tenant: &TenantId,
    organization: &OrganizationId,
    place: impl Into<String>,
) -> Key {
    Key::new(domains_partition(tenant, organization), place)
}

/// Returns the key of the number of an organization's domains.
pub(in crate::store) fn domain_count(tenant: &TenantId, organization: &OrganizationId) -> Key {
    Key::new(domains_partition(tenant, organization), "COUNT")
}

/// Returns the key of the item that gives a verified domain to one organization of the tenant.
pub(in crate::store) fn domain_claim(tenant: &TenantId, domain: &Domain) -> Key {
    Key::new(format!("TENANT#{tenant}#VERIFIED#{domain}"), "VERIFIED")
}

/// Returns the key of the item that a tenant has once one of its organizations has verified a domain.
pub(in crate::store) fn has_domains(tenant: &TenantId) -> Key {
    Key::new(format!("TENANT#{tenant}#VERIFIED"), "ANY")
}

/// Returns the partition in [`GSI2`](super::GSI2) of the verified domains of all tenants, by the time of their next check. No
/// tenant has an empty id.
pub(in crate::store) fn domain_checks_partition() -> String {
    "TENANT##CHECKS".to_owned()
}

/// Returns the place of a verified domain in that partition.
pub(in crate::store) fn domain_check_place(
    due: Timestamp,
    tenant: &TenantId,
    organization: &OrganizationId,
    domain: &Domain,
) -> String {
    format!("{due}#{tenant}#{organization}#{domain}")
}

/// Returns the key of the mark that a user has left an organization, so that no domain adds them again. In the user's
/// partition it sorts between the email address and the memberships.
pub(in crate::store) fn left_mark(
    tenant: &TenantId,
    user: &UserId,
    organization: &OrganizationId,
) -> Key {
    Key::new(user_partition(tenant, user), format!("LEFT#{organization}"))
}
