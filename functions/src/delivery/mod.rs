//! Delivery of events: functions behind event source mappings.

pub mod deliver_webhook;
mod fan_out;
pub mod publish_events;

pub(crate) use fan_out::WEBHOOK_QUEUE_URL;
