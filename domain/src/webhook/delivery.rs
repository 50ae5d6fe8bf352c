//! Deliveries of events to webhook endpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{EventId, Invalid, Timestamp, WebhookEndpointId};

/// Status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum DeliveryStatus {
    /// Waiting for the next attempt.
    Pending,
    /// The endpoint accepted it.
    Delivered,
    /// All attempts failed.
    Failed,
}

impl DeliveryStatus {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The result of a test of a webhook endpoint.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookTest {
    /// The HTTP status; `null` if there was no response.
    pub status: Option<u16>,
    /// Why there was no response: `refused_url`, `dns`, `refused_address`, `connect`, `tls`, `timeout` or `closed`.
    pub error: Option<String>,
    /// Duration of the call, in milliseconds.
    pub duration_ms: u64,
}

/// The result of a replay of events.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookReplay {
    /// The number of events that are on the queue.
    pub queued: usize,
    /// The `cursor` of the next request; `null` if all events of the range are on the queue.
    pub next_cursor: Option<String>,
}

/// A delivery of one event to one webhook endpoint, as of its last attempt.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The id: that of the event, and the header `webhook-id`.
    pub id: EventId,
    /// The webhook endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// The type of the event.
    pub event_type: String,
    /// The status.
    pub status: DeliveryStatus,
    /// The number of attempts.
    pub attempts: u32,
    /// Time of the last attempt.
    pub last_attempt_at: Timestamp,
    /// The HTTP status of the last attempt; `null` if there was no response.
    pub response_status: Option<u16>,
    /// Why the last attempt had no response: `refused_url`, `dns`, `refused_address`, `connect`, `tls`, `timeout` or
    /// `closed`.
    pub error: Option<String>,
    /// Duration of the last attempt, in milliseconds.
    pub duration_ms: u64,
    /// Time of the next attempt; `null` if there is none.
    pub next_attempt_at: Option<Timestamp>,
}
