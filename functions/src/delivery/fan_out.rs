//! Puts events on the queue of webhooks: a message for each endpoint that receives the event.

use std::collections::HashMap;

use muster::config::SettingError;
use muster::domain::{TenantId, WebhookEndpoint};
use muster_delivery::webhook::Task;
use muster_delivery::{Delivery, EventRecord, Message, Queue};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{App, Variables};

/// The variable with the URL of the queue of webhooks.
pub(crate) const WEBHOOK_QUEUE_URL: &str = "WEBHOOK_QUEUE_URL";

/// The queue of webhooks.
pub(super) struct FanOut(Queue);

/// Whether all messages of an event are on a queue.
pub(super) enum Queued {
    /// They are, or there are none.
    All,
    /// Some are not, and never will be.
    Never(String),
    /// Some are not, and may be later.
    Later(String),
}

/// The result for a batch of events.
pub(super) struct FanOutReport {
    /// One for each event, in the same order.
    pub(super) queued: Vec<Queued>,
    /// How many messages were sent more than once.
    pub(super) retries: usize,
}

/// The endpoints of the tenants of a batch, each read once.
type Endpoints = HashMap<TenantId, Result<Vec<WebhookEndpoint>, String>>;

impl FanOut {
    /// The queue that the variables name.
    pub(super) fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self(Queue::read(WEBHOOK_QUEUE_URL, variables)?))
    }

    /// Puts messages for the endpoints that receive these events on the queue.
    pub(super) async fn enqueue(
        &self,
        app: &App,
        records: &[&EventRecord],
        deadline: Instant,
    ) -> FanOutReport {
        let mut endpoints = Endpoints::new();
        let (mut queued, mut messages, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (index, record) in records.iter().enumerate() {
            match tasks(app, record, &mut endpoints).await {
                Ok(tasks) => {
                    queued.push(Queued::All);
                    owners.resize(owners.len() + tasks.len(), index);
                    messages.extend(tasks);
                }
                Err(reason) => queued.push(reason),
            }
        }
        let sent = self.0.send(&messages, deadline).await;
        for (index, delivery) in owners.into_iter().zip(sent.deliveries) {
            let worse = match delivery {
                Delivery::Delivered => continue,
                Delivery::Rejected(code) => Queued::Never(code),
                Delivery::Failed(code) => Queued::Later(code),
            };
            // What may be sent later is sent again with the whole event.
            if let Some(queued) = queued.get_mut(index)
                && !matches!(queued, Queued::Later(_))
            {
                *queued = worse;
            }
        }
        FanOutReport {
            queued,
            retries: sent.retries,
        }
    }
}

/// The messages of an event.
async fn tasks(
    app: &App,
    record: &EventRecord,
    endpoints: &mut Endpoints,
) -> Result<Vec<Message>, Queued> {
    let never = |error: serde_json::Error| Queued::Never(error.to_string());
    let Ok(published) = &record.event else {
        return Ok(Vec::new());
    };
    let event = &published.event;
    if !endpoints.contains_key(&event.tenant_id) {
        let found = app.store.all_webhook_endpoints(&event.tenant_id).await;
        let found = found.map_err(|error| error.to_string());
        endpoints.insert(event.tenant_id.clone(), found);
    }
    let of_tenant = match endpoints.get(&event.tenant_id) {
        Some(Ok(endpoints)) => endpoints.as_slice(),
        Some(Err(reason)) => return Err(Queued::Later(reason.clone())),
        None => &[],
    };
    let now = app.clock.now();
    let mut messages = Vec::new();
    for endpoint in of_tenant.iter().filter(|it| it.receives(event)) {
        let detail = RawValue::from_string(published.detail.clone()).map_err(never)?;
        messages.push(
            Task::first(endpoint, detail, now)
                .message(now)
                .map_err(never)?,
        );
    }
    Ok(messages)
}
