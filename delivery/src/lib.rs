//! Delivers events: to an `EventBridge` bus, to a queue and from there to webhook endpoints.
