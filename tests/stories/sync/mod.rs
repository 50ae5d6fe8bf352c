//! Logins end to end: a fake Graph over real HTTP, `post-login` and `pre-token` through the Invoke
//! API, and the result through the HTTP API.

mod by_hand;
mod cost;
mod crowds;
mod events;
mod graph_fails;
mod histories;
mod leaving;
mod logs;
mod making;
pub(crate) mod office;
mod overtaken;
mod pre_token;
mod roles_and_names;
mod table_fails;
