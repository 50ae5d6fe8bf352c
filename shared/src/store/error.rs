use thiserror::Error;

use super::table;
use crate::domain::{ExceedingLimit, Invalid, Organization, Status, VersionMismatch};

/// Error of a store operation.
#[derive(Debug, Error)]
pub enum Error {
    /// The request is refused. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The table failed.
    #[error(transparent)]
    Table(table::Error),
}

impl From<table::Error> for Error {
    /// The only guard of a transaction is that the caller is not disabled.
    fn from(error: table::Error) -> Self {
        match error {
            table::Error::GuardFailed => Refusal::UserDisabled.into(),
            error => Self::Table(error),
        }
    }
}

/// Reason for which the store refuses a request.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The resource does not exist, or the caller may not see it.
    #[error("not found")]
    NotFound,
    /// The caller may see the resource, but not do this.
    #[error("forbidden")]
    Forbidden,
    /// The caller is disabled.
    #[error("the caller is disabled")]
    UserDisabled,
    /// Another organization of the tenant has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The user is already a member of the organization, with another role.
    #[error("already a member with another role")]
    AlreadyMember,
    /// The address has a pending invitation with another role.
    #[error("already invited with another role")]
    AlreadyInvited,
    /// An active member has the invited address.
    #[error("a member has the address")]
    AddressOfMember,
    /// The user is already a member, and suspended.
    #[error("already a member, and suspended")]
    AlreadySuspended,
    /// The user is the last active owner of these organizations.
    #[error("the last owner of an organization")]
    LastOwnerOf(Vec<Organization>),
    /// The user is being erased.
    #[error("the user is being erased")]
    BeingErased,
    /// The time of the request is up. A repeated request continues.
    #[error("the time of the request is up")]
    Unfinished,
    /// The change would leave the organization without an active owner.
    #[error("the last owner")]
    LastOwner,
    /// The membership is managed by the directory, and is removed only by the directory.
    #[error("managed by the directory")]
    DirectoryManaged,
    /// The user is not known in the tenant.
    #[error("unknown user")]
    UnknownUser,
    /// The user is not an active member of the team's organization.
    #[error("not an active member of the organization")]
    NotAnOrganizationMember,
    /// The user cannot become an owner, because they are not an active member of the organization. Holds the status
    /// of their membership, if there is one.
    #[error("not an active member")]
    NotAnActiveMember(Option<Status>),
    /// The team's limits would exceed the limits of its organization.
    #[error("more than the organization's limits")]
    BudgetExceedsOrganization(Vec<ExceedingLimit>),
    /// The membership is not an open invitation.
    #[error("the invitation is not pending")]
    InvitationNotPending,
    /// The inviter of an open invitation may no longer grant its role.
    #[error("the inviter may no longer invite with this role")]
    InvitationNotValid,
    /// The open invitation has expired.
    #[error("the invitation has expired")]
    InvitationExpired,
    /// The invitation by email was accepted, declined or revoked.
    #[error("the invitation has ended")]
    InvitationEnded,
    /// The caller has no verified email address.
    #[error("the email address is not verified")]
    EmailNotVerified,
    /// The invitation by email is for another address than the caller's.
    #[error("the invitation is for another address")]
    InvitationForAnotherAddress,
    /// The invitation by email was sent less than a minute ago.
    #[error("the invitation was sent recently")]
    SentRecently,
    /// An open invitation cannot be suspended.
    #[error("the invitation is pending")]
    InvitationPending,
    /// The `Idempotency-Key` was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The version differs from the requested one.
    #[error("the version differs from the requested one")]
    VersionMismatch,
    /// Another directory of the deployment reads the same Entra tenant.
    #[error("the directory is taken")]
    DirectoryTaken,
    /// The directory is being deleted.
    #[error("the directory is being deleted")]
    DirectoryBeingDeleted,
    /// The directory is paused or broken.
    #[error("the directory is not active")]
    DirectoryNotActive,
    /// The value is not allowed in the object it would become part of. `field` is the request field at fault.
    #[error("{field}: {reason}")]
    Invalid {
        /// The request field.
        field: &'static str,
        /// The reason why the value is not allowed.
        reason: Invalid,
    },
    /// The tenant has the maximum number of these resources.
    #[error("the tenant has the maximum number of these resources")]
    LimitReached,
    /// The organization has the maximum number of domains.
    #[error("the organization has the maximum number of domains")]
    TooManyDomains,
    /// Another organization of the tenant has verified the domain.
    #[error("another organization has verified the domain")]
    DomainTaken,
    /// The domain is not verified.
    #[error("the domain is not verified")]
    DomainNotVerified,
    /// The domain was looked up too often.
    #[error("the domain was looked up too often")]
    TooManyChecks,
    /// The webhook endpoint is disabled.
    #[error("the webhook endpoint is disabled")]
    EndpointDisabled,
    /// The position to continue after does not belong to this list.
    #[error("the position does not belong to this list")]
    InvalidPosition,
}

impl From<VersionMismatch> for Error {
    fn from(_: VersionMismatch) -> Self {
        Refusal::VersionMismatch.into()
    }
}
