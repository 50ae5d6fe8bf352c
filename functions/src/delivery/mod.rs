//! Delivery of events: functions behind event source mappings.

pub mod deliver_webhook;
mod fan_out;
mod invitation_mails;
pub mod publish_events;
pub mod send_invitation;

pub(crate) use fan_out::WEBHOOK_QUEUE_URL;
