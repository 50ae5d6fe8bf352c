//! Organizations, memberships, roles and the values they are made of. Pure: no AWS, no HTTP, no
//! clock, no environment.

mod ids;
mod time;

use std::borrow::Cow;

use thiserror::Error;

pub use ids::{MAX_ID_LENGTH, OrganizationId, TeamId, TenantId, UserId};
pub use time::{Clock, Timestamp};

/// Why a value is not what it should be, in words for whoever sent it: `must be …`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// A reason, complete with the limits that apply.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }
}
