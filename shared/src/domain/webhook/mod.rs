//! Webhooks: where events may be sent, and the secrets that sign them.

mod address;
mod secret;
mod url;

pub use address::is_public;
pub use secret::WebhookSecret;
pub use url::{MAX_WEBHOOK_URL_LENGTH, WebhookTargets, WebhookUrl};
