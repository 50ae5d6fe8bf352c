//! Effect of directories of type `scim`: the same plan as at a login of Entra, from the data that the identity provider
//! has written. See `docs/SCIM.md`.

mod effect;
mod follow;
mod link;

pub use effect::{ScimEffect, ScimReport};
pub(crate) use follow::{FollowOutcome, Follower, follow};
pub(crate) use link::{Candidates, Choice, candidates, choose};
