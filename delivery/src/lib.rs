//! Delivers events: to an `EventBridge` bus, to a queue and from there to webhook endpoints. Sends mails through SES.
//!
//! The SDK clients of these services are private to this crate.

mod batch;
pub mod bus;
mod client;
pub mod mail;
pub mod queue;
pub mod stream;
pub mod webhook;

pub use batch::{BatchReport, Delivery};
pub use bus::Bus;
pub use queue::{Message, NotQueued, Queue};
pub use stream::{EventRecord, PublishedEvent};
