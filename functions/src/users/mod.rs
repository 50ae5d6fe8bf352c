//! Users: the people of a tenant, and what they are part of.

pub mod get;
pub mod list_organizations;
pub mod list_teams;
pub mod register;
