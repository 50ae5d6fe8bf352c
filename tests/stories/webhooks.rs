//! Webhooks of events.

mod signatures;
