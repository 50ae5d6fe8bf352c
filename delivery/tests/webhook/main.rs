//! Webhooks are sent to real servers, which misbehave in every way.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod addresses;
mod responses;
mod server;
mod tls;
