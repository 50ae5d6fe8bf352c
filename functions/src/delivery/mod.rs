//! Delivery of events: functions behind event source mappings.

pub mod publish_events;
