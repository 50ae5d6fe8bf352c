//! Keys of webhook endpoints and their deliveries.

use super::Key;
use crate::domain::{EventId, TenantId, WebhookEndpointId};

/// Sort key prefix of a webhook endpoint.
pub(in crate::store) const WEBHOOK_ENDPOINT_PREFIX: &str = "ENDPOINT#";

/// Returns the partition of a tenant's webhook endpoints.
pub(in crate::store) fn webhook_endpoints_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#WEBHOOKS")
}

/// Returns the key of a webhook endpoint.
pub(in crate::store) fn webhook_endpoint(tenant: &TenantId, endpoint: &WebhookEndpointId) -> Key {
    webhook_endpoint_at(tenant, format!("{WEBHOOK_ENDPOINT_PREFIX}{endpoint}"))
}

/// Returns the key of a webhook endpoint with this sort key.
pub(in crate::store) fn webhook_endpoint_at(tenant: &TenantId, place: impl Into<String>) -> Key {
    Key::new(webhook_endpoints_partition(tenant), place)
}

/// Returns the key of the number of a tenant's webhook endpoints.
pub(in crate::store) fn webhook_endpoint_count(tenant: &TenantId) -> Key {
    Key::new(webhook_endpoints_partition(tenant), "COUNT")
}

/// Returns the partition of the deliveries to a webhook endpoint.
pub(in crate::store) fn webhook_deliveries_partition(
    tenant: &TenantId,
    endpoint: &WebhookEndpointId,
) -> String {
    format!("TENANT#{tenant}#WEBHOOK#{endpoint}#DELIVERIES")
}

/// Returns the key of the delivery of an event to a webhook endpoint.
pub(in crate::store) fn webhook_delivery(
    tenant: &TenantId,
    endpoint: &WebhookEndpointId,
    event: EventId,
) -> Key {
    Key::new(
        webhook_deliveries_partition(tenant, endpoint),
        event.to_string(),
    )
}
