//! The stories: what people do with Muster, over HTTP against the local stack.

mod first_steps;
mod idempotency;
mod problems;
