//! The stories: what people do with Muster, over HTTP against the local stack.

mod bad_input;
mod first_steps;
mod idempotency;
mod odd_values;
mod problems;
mod raw_requests;
mod readme;
mod roles;
mod teams;
