//! The whole product on a laptop: emulates API Gateway, Lambda, DynamoDB, Entra and the user pool
//! around the real handlers. No deployed function contains it.
//!
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! let stack = muster_local::Stack::start(muster_local::Options::default()).await?;
//! let token = stack.token("ada", "acme", &["tenant-admins"])?;
//! println!("curl -H 'authorization: Bearer {token}' {}/organizations", stack.url());
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

mod aws;
mod dynamodb;
pub mod entra;
mod gateway;
mod handler;
mod invoke;
pub mod issuer;
mod lambda;
mod log;
mod options;
mod origin;
mod page;
mod problem;
mod rights;
mod services;
mod sources;
mod stack;
mod table;
mod tail;
pub mod template;
mod timer;

pub use handler::Handler;
pub use issuer::{Identity, Issuer};
pub use options::{ConfigureApp, ConfigureClient, Options, StartFunction, TEMPLATE};
pub use services::{CallFault, ServiceFaults};
pub use stack::Stack;
