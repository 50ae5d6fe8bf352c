//! Webhooks as [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0 defines them: the message, its signature,
//! the call, and when to retry it.

mod message;
mod resolver;
mod retry;
mod send_error;
mod sender;
mod signature;
mod task;

pub use message::Message;
pub use resolver::Lookup;
pub use retry::{DISABLED_AFTER, MAX_ATTEMPTS, Verdict, verdict, wait_after};
pub use send_error::SendError;
pub use sender::{CALL_TIMEOUT, CONNECT_TIMEOUT, Connections, MAX_ANSWER, Response, Sender};
pub use signature::{new_secret, signatures};
pub use task::Task;
