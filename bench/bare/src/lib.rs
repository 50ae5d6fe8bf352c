//! Code shared by the bare functions: the clients of the real functions, and one request that uses them.

pub mod client;
pub mod fetch;
pub mod queue;
pub mod serve;
