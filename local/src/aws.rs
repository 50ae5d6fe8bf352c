//! The AWS account and the region of all local resources.

/// The account id of all local resources.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The region of all local resources.
pub(crate) const REGION: &str = "local";
