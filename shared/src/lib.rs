//! The shared code of Muster's functions: the domain, the table, and the HTTP contract.

pub mod aws;
pub mod config;
pub mod domain;
pub mod http;
pub mod json;
pub mod outbound;
mod refusals;
pub mod store;
pub mod telemetry;
