//! The messages of the queue of webhooks.

use std::time::Duration;

use muster::domain::{TenantId, Timestamp, WebhookEndpoint, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::queue::{MAX_DELAY, Message};

/// One attempt to deliver an event to an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// The record of the event.
    pub event: Box<RawValue>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it is due.
    pub due_at: Timestamp,
}

impl Task {
    /// The first attempt, due now.
    pub fn first(endpoint: &WebhookEndpoint, event: Box<RawValue>, now: Timestamp) -> Self {
        Self {
            tenant_id: endpoint.tenant_id.clone(),
            endpoint_id: endpoint.id.clone(),
            event,
            attempt: 1,
            due_at: now,
        }
    }

    /// The next attempt, due after this time.
    #[must_use]
    pub fn next(&self, due_at: Timestamp) -> Self {
        Self {
            attempt: self.attempt + 1,
            due_at,
            ..self.clone()
        }
    }

    /// The time until it is due.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let left = self.due_at.as_millisecond() - now.as_millisecond();
        Duration::from_millis(left.try_into().unwrap_or(0))
    }

    /// Returns the message, hidden for as long as the queue allows. A message that becomes visible before it is due is
    /// sent again: one that waits is delayed and not in flight, of which a queue allows 120,000 only.
    ///
    /// The group of a message is its endpoint, so that the queue delivers the messages of all endpoints in turn.
    pub fn message(&self, now: Timestamp) -> Result<Message, serde_json::Error> {
        Ok(Message {
            body: serde_json::to_string(self)?,
            group_id: Some(self.endpoint_id.to_string()),
            delay: self.wait(now).min(MAX_DELAY),
        })
    }
}
