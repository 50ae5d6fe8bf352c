//! The Lambda functions of Muster: one module and one binary per endpoint.
//!
//! An endpoint reads from top to bottom: the caller, the input, one call into the store (with the
//! permission check), and the response.

mod app;
pub mod delivery;
pub mod directories;
pub mod domains;
pub mod endpoint;
mod endpoints;
pub mod events;
mod function;
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
mod services;
pub mod team_members;
pub mod teams;
pub mod triggers;
pub mod users;
pub mod webhook_endpoints;

pub use app::{App, LoginContext, Variables};
pub use function::Function;
pub use registry::{functions, openapi_document, openapi_text};
