//! Sending events to an endpoint again.

use crate::domain::{
    Delivery, DeliveryStatus, Event, EventId, Page, Timestamp, WebhookEndpoint, WebhookEndpointId,
    WebhookReplay, WebhookStatus,
};
use crate::store::access;
use crate::store::rows::Recorded;
use crate::store::{Context, Error, EventFilter, IdempotentOutcome, Refusal, Store, table};

/// Number of events of the audit log that one request reads.
const EVENTS: usize = 100;

impl Recorded for Delivery {
    type Row = Self;

    fn to_recorded(&self) -> Self {
        self.clone()
    }

    fn from_recorded(row: Self) -> Result<Self, table::Error> {
        Ok(row)
    }
}

impl Recorded for WebhookReplay {
    type Row = Self;

    fn to_recorded(&self) -> Self {
        self.clone()
    }

    fn from_recorded(row: Self) -> Result<Self, table::Error> {
        Ok(row)
    }
}

impl Store {
    /// Returns an endpoint that is enabled.
    async fn enabled_webhook_endpoint(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
    ) -> Result<WebhookEndpoint, Error> {
        let endpoint = self.webhook_endpoint(cx, id).await?;
        match endpoint.status {
            WebhookStatus::Enabled => Ok(endpoint),
            WebhookStatus::Disabled => Err(Refusal::EndpointDisabled.into()),
        }
    }

    /// Returns a delivery to retry, with its endpoint and its event. Requires a tenant admin and an enabled endpoint.
    pub async fn webhook_delivery_to_retry(
        &self,
        cx: &Context,
        endpoint: &WebhookEndpointId,
        id: EventId,
    ) -> Result<(WebhookEndpoint, Delivery, Event), Error> {
        access::require_tenant_admin(&cx.caller)?;
        let endpoint = self.enabled_webhook_endpoint(cx, endpoint).await?;
        let delivery = self.webhook_delivery(cx, &endpoint.id, id).await?;
        let event = self.event(cx, id).await?;
        Ok((endpoint, delivery, event))
    }

    /// Returns the result of the first retry with the same `Idempotency-Key`.
    pub async fn first_webhook_retry(
        &self,
        cx: &Context,
    ) -> Result<Option<IdempotentOutcome<Delivery>>, Error> {
        self.first_result(cx.record().as_ref()).await
    }

    /// Records that a delivery is on the queue again.
    pub async fn record_webhook_retry(
        &self,
        cx: &Context,
        delivery: Delivery,
    ) -> Result<IdempotentOutcome<Delivery>, Error> {
        let delivery = Delivery {
            status: DeliveryStatus::Pending,
            next_attempt_at: Some(cx.now),
            ..delivery
        };
        let recorded = self.record_delivery(&cx.caller.tenant_id, &delivery);
        recorded.await?;
        self.record_result(cx, delivery).await
    }

    /// Returns events of a time range that an enabled endpoint receives, the latest first. A page can have few events,
    /// or none, before the end. Requires a tenant admin.
    pub async fn webhook_events_to_replay(
        &self,
        cx: &Context,
        endpoint: &WebhookEndpointId,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<(WebhookEndpoint, Page<Event>), Error> {
        let endpoint = self.enabled_webhook_endpoint(cx, endpoint).await?;
        let patterns = endpoint.event_types.patterns();
        let is_all = patterns.iter().any(|pattern| pattern.as_str() == "*");
        let filter = EventFilter {
            types: if is_all {
                Vec::new()
            } else {
                patterns.to_vec()
            },
            from: Some(from),
            to: Some(to),
            ..EventFilter::default()
        };
        let found = self.tenant_events(cx, &filter, after, EVENTS).await?;
        let items = found.items.into_iter();
        let page = Page {
            items: items.filter(|event| endpoint.receives(event)).collect(),
            next: found.next,
        };
        Ok((endpoint, page))
    }

    /// Returns the result of the first replay with the same `Idempotency-Key`.
    pub async fn first_webhook_replay(
        &self,
        cx: &Context,
    ) -> Result<Option<IdempotentOutcome<WebhookReplay>>, Error> {
        self.first_result(cx.record().as_ref()).await
    }

    /// Records the result of a replay for requests with the same `Idempotency-Key`.
    pub async fn record_webhook_replay(
        &self,
        cx: &Context,
        replay: WebhookReplay,
    ) -> Result<IdempotentOutcome<WebhookReplay>, Error> {
        self.record_result(cx, replay).await
    }
}
