//! Delivers events: to an `EventBridge` bus, to a queue and from there to webhook endpoints.
//!
//! The SDK clients of both services are private to this crate.

mod batch;
pub mod bus;
mod client;
pub mod queue;
pub mod stream;
pub mod webhook;

pub use batch::{Delivery, Report};
pub use bus::Bus;
pub use queue::{Message, Queue};
pub use stream::{EventRecord, PublishedEvent};
