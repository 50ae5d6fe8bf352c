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
mod audit_log;
mod bad_input;
mod binaries;
mod bus;
mod caches;
mod callers;
mod cognito;
mod concurrent_changes;
mod cursors;
mod decisions;
mod deleted_organizations;
mod directories;
mod disabled_users;
mod domains;
mod email_invitations;
mod erased_users;
mod events;
mod faults;
mod field_values;
mod final_events;
mod first_steps;
mod histories;
mod idempotency;
mod invariants;
mod invitation_answers;
mod invitation_batches;
mod invitation_mails;
mod invitation_previews;
mod invitations;
mod isolation;
mod known_invitation_bugs;
mod last_owner;
mod last_release;
mod lifecycle;
mod local_entra;
mod logs;
mod machines;
mod mail;
mod member_batches;
mod member_count;
mod openapi;
mod operations;
mod page;
mod pages;
mod people;
mod preconditions;
mod problems;
mod queries;
mod queues;
mod random_bodies;
mod raw_requests;
mod readme;
mod rejected_writes;
mod repeats;
mod replaced_membership;
mod rest_api;
mod revocation;
mod rights;
mod roles;
mod round_trips;
mod schemathesis;
mod scim;
mod shapes;
mod stale_indexes;
mod sync;
mod target_names;
mod team_limits;
mod team_members;
mod teams;
mod transfers;
mod usage;
mod user_ids;
mod user_invitations;
mod versions;
mod webhooks;
