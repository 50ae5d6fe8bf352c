//! The Lambda functions of Muster: one module and one binary per endpoint.
//!
//! An endpoint reads from top to bottom: who asks, what they ask, the one call into the store that
//! does it (their permission included), and the answer.

mod app;
pub mod delivery;
pub mod directories;
pub mod domains;
pub mod endpoint;
mod endpoints;
pub mod events;
pub mod invitations;
pub mod members;
mod messages;
pub mod openapi;
pub mod organizations;
pub mod records;
mod registry;
pub mod runs;
pub mod runtime;
pub mod scim;
pub mod team_members;
pub mod teams;
pub mod triggers;
pub mod users;
pub mod webhook_endpoints;

pub use app::{App, Environment, LoginContext};
pub use registry::{Function, functions};
