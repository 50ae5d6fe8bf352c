//! Logins end to end: a fake Graph over real HTTP, `post-login` and `pre-token` through the Invoke
//! API, and the result through the HTTP API.

mod changes;
mod concurrent_logins;
mod cost;
mod creating;
mod events;
mod graph_fails;
mod histories;
mod leaving;
mod logs;
mod manual_changes;
mod many_logins;
mod pre_token;
mod restored_teams;
mod roles_and_names;
pub(crate) mod setup;
mod table_fails;
mod verified_emails;
