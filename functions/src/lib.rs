//! The Lambda functions of Muster: one module and one binary per endpoint.

mod app;
mod registry;
pub mod runtime;

pub use app::App;
pub use registry::{Function, functions};
