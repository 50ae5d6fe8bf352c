use thiserror::Error;

use super::table;
use crate::domain::{ExceedingLimit, Invalid, VersionMismatch};

/// Why an operation was not done.
#[derive(Debug, Error)]
pub enum Error {
    /// The caller's request cannot be done. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] table::Error),
}

/// Why the store refuses a request.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It does not exist, or not for this caller.
    #[error("not found")]
    NotFound,
    /// The caller may see it, but not do that.
    #[error("forbidden")]
    Forbidden,
    /// Another organization of the tenant has that name.
    #[error("the name is taken")]
    NameTaken,
    /// The user is in the organization already, with another role.
    #[error("already a member with another role")]
    AlreadyMember,
    /// The user is in it already, and suspended.
    #[error("already a member, and suspended")]
    AlreadySuspended,
    /// The organization would have no active owner left.
    #[error("the last owner")]
    LastOwner,
    /// The membership is the directory's, and goes only when the directory says so.
    #[error("managed by the directory")]
    DirectoryManaged,
    /// Nobody of that id is known in the tenant.
    #[error("unknown user")]
    UnknownUser,
    /// The user is no active member of the team's organization.
    #[error("not an active member of the organization")]
    NotAnOrganizationMember,
    /// The team's limits would be higher than its organization's.
    #[error("more than the organization's limits")]
    BudgetExceedsOrganization(Vec<ExceedingLimit>),
    /// The membership is no open invitation.
    #[error("the invitation is not pending")]
    InvitationNotPending,
    /// The inviter of an open invitation may no longer give its role.
    #[error("the inviter may no longer invite with this role")]
    InvitationNotValid,
    /// An open invitation cannot be suspended.
    #[error("the invitation is pending")]
    InvitationPending,
    /// The `Idempotency-Key` was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// It is not in the version that was asked for.
    #[error("the version is another one")]
    VersionMismatch,
    /// The value would not be allowed in what it is to become part of. `field` is the member of the
    /// request that is at fault.
    #[error("{field}: {reason}")]
    Invalid {
        /// The member of the request.
        field: &'static str,
        /// What is wrong with it.
        reason: Invalid,
    },
    /// The place to go on behind is none of this list's.
    #[error("no place in this list")]
    InvalidPosition,
}

impl From<VersionMismatch> for Error {
    fn from(_: VersionMismatch) -> Self {
        Refusal::VersionMismatch.into()
    }
}
