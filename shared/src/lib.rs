//! The shared code of Muster's functions: the domain, the table, and the HTTP contract. The domain is a package of its
//! own, and is used from here.

pub mod aws;
pub mod config;
pub mod http;
pub mod outbound;
mod refusals;
pub mod store;
pub mod telemetry;

pub use muster_domain::{self as domain, from_fields, json};
