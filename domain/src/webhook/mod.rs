//! Webhooks: endpoints, where they may be, the secrets that sign, and deliveries.

mod address;
mod delivery;
mod endpoint;
mod secret;
mod url;

pub use address::is_public;
pub use delivery::{Delivery, DeliveryStatus, WebhookReplay, WebhookTest};
pub use endpoint::{
    DisabledReason, EventTypes, MAX_EVENT_TYPES, MAX_WEBHOOK_ENDPOINTS, WebhookEndpoint,
    WebhookEndpointPatch, WebhookStatus,
};
pub use secret::WebhookSecret;
pub use url::{MAX_WEBHOOK_URL_LENGTH, WebhookTargets, WebhookUrl};
