//! The stories: what people do with Muster, over HTTP against the local stack.

mod bad_input;
mod first_steps;
mod idempotency;
mod problems;
mod roles;
mod teams;
