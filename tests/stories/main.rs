//! The stories: use of Muster over HTTP against the local stack.

// An impossible step ends the test, also outside test functions.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod bad_input;
mod binaries;
mod bus;
mod caches;
mod callers;
mod cognito;
mod concurrent_changes;
mod cursors;
mod decisions;
mod directories;
mod domains;
mod events;
mod faults;
mod field_values;
mod final_events;
mod first_steps;
mod histories;
mod idempotency;
mod invariants;
mod invitations;
mod isolation;
mod last_release;
mod local_entra;
mod logs;
mod machines;
mod mail;
mod members;
mod openapi;
mod operations;
mod organizations;
mod page;
mod pages;
mod preconditions;
mod problems;
mod queries;
mod queues;
mod random_bodies;
mod raw_requests;
mod readme;
mod rejected_writes;
mod repeats;
mod rest_api;
mod revocation;
mod rights;
mod roles;
mod round_trips;
mod sample_events;
mod schemathesis;
mod scim;
mod shapes;
mod stale_indexes;
mod sync;
mod target_names;
mod team_members;
mod teams;
mod usage;
mod users;
mod versions;
mod webhook_endpoints;
