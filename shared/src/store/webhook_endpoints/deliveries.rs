//! Deliveries to an endpoint.

use std::borrow::Borrow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Delivery, DeliveryStatus, EventId, Page, TenantId, Timestamp, WebhookEndpointId,
};
use crate::store::access;
use crate::store::keys;
use crate::store::table::{Condition, Item, ItemChange, Query, from_item, text, to_item};
use crate::store::{Context, Error, Refusal, Store, table};

/// How long a delivery is kept.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// Number of deliveries that one page reads when few of many match.
const SIFTED: usize = 500;

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
struct DeliveryRow {
    id: EventId,
    endpoint_id: WebhookEndpointId,
    event_type: String,
    status: DeliveryStatus,
    attempts: u32,
    last_attempt_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    /// In seconds since 1970.
    expires_at: i64,
}

const ATTRIBUTES: [&str; 11] = [
    "id",
    "endpoint_id",
    "event_type",
    "status",
    "attempts",
    "last_attempt_at",
    "response_status",
    "error",
    "duration_ms",
    "next_attempt_at",
    "expires_at",
];

fn from_row(item: impl Borrow<Item>) -> Result<Delivery, table::Error> {
    let row: DeliveryRow = from_item(item)?;
    Ok(Delivery {
        id: row.id,
        endpoint_id: row.endpoint_id,
        event_type: row.event_type,
        status: row.status,
        attempts: row.attempts,
        last_attempt_at: row.last_attempt_at,
        response_status: row.response_status,
        error: row.error,
        duration_ms: row.duration_ms,
        next_attempt_at: row.next_attempt_at,
    })
}

impl Store {
    /// Returns the deliveries of the last 14 days to an endpoint, the latest event first. Requires a tenant admin.
    pub async fn webhook_deliveries(
        &self,
        cx: &Context,
        endpoint: &WebhookEndpointId,
        status: Option<DeliveryStatus>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Delivery>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let partition = keys::webhook_deliveries_partition(tenant, endpoint);
        let after = after.map(|place| {
            let id: EventId = place.parse().map_err(|_| Refusal::InvalidPosition)?;
            Ok::<_, Refusal>(keys::webhook_delivery(tenant, endpoint, id).attributes())
        });
        let looked_at = if status.is_some() { SIFTED } else { limit };
        let filter = status.map(|status| {
            Condition::new("#status = :status").value(":status", text(status.as_str()))
        });
        let query = self.table.query(
            Query::in_partition(None, partition, "")
                .filter(filter)
                .after(after.transpose()?)
                .limit(looked_at)
                .backwards(true),
        );
        let (_, page) =
            tokio::try_join!(self.existing_webhook_endpoint(tenant, endpoint), async {
                Ok::<_, Error>(query.await?)
            })?;
        let mut items = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let mut next = page.next;
        if items.len() > limit {
            items.truncate(limit);
            next = items.last().map(|last| last.id.to_string());
        }
        Ok(Page { items, next })
    }

    /// Returns a delivery to an endpoint that exists. Requires a tenant admin.
    pub async fn webhook_delivery(
        &self,
        cx: &Context,
        endpoint: &WebhookEndpointId,
        id: EventId,
    ) -> Result<Delivery, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let key = keys::webhook_delivery(tenant, endpoint, id);
        let (_, item) =
            tokio::try_join!(self.existing_webhook_endpoint(tenant, endpoint), async {
                Ok::<_, Error>(self.table.get(&key).await?)
            })?;
        Ok(from_row(item.ok_or(Refusal::NotFound)?)?)
    }

    /// Ends a delivery that waits, because its endpoint gets no more messages.
    pub async fn drop_delivery(
        &self,
        tenant: &TenantId,
        endpoint: &WebhookEndpointId,
        id: EventId,
    ) -> Result<(), table::Error> {
        let key = keys::webhook_delivery(tenant, endpoint, id);
        let change = ItemChange::new()
            .set("status", text(DeliveryStatus::Failed.as_str()))
            .remove("next_attempt_at");
        let waits = Condition::new("#status = :pending")
            .value(":pending", text(DeliveryStatus::Pending.as_str()));
        self.table.update(&key, change, waits).await?;
        Ok(())
    }

    /// Writes a delivery as of its last attempt.
    pub async fn record_delivery(
        &self,
        tenant: &TenantId,
        delivery: &Delivery,
    ) -> Result<(), table::Error> {
        let key = keys::webhook_delivery(tenant, &delivery.endpoint_id, delivery.id);
        let one = delivery.clone();
        let row = DeliveryRow {
            id: one.id,
            endpoint_id: one.endpoint_id,
            event_type: one.event_type,
            status: one.status,
            attempts: one.attempts,
            last_attempt_at: one.last_attempt_at,
            response_status: one.response_status,
            error: one.error,
            duration_ms: one.duration_ms,
            next_attempt_at: one.next_attempt_at,
            expires_at: one.last_attempt_at.after(KEPT).as_second(),
        };
        let item = to_item(&row, [Item::new(), Item::new()])?;
        let change = ItemChange::taking(&ATTRIBUTES, &item);
        // A copy of the message may be late: it must not hide a later attempt.
        let condition =
            Condition::new("attribute_not_exists(#last_attempt_at) OR #last_attempt_at <= :this")
                .value(":this", text(delivery.last_attempt_at.to_string()));
        self.table.update(&key, change, condition).await?;
        Ok(())
    }
}
