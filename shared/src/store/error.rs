use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use crate::domain::{ExceedingLimit, Invalid};

/// Why a call into the store did not do what was asked. The first group is the caller's doing and
/// nothing was changed; the second is not.
#[derive(Debug, Error)]
pub enum Error {
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

    /// Others changed the same thing again and again.
    #[error("changed by others at the same time, again and again")]
    Conflict,
    /// DynamoDB is throttling, longer than a request can wait.
    #[error("the table is throttled")]
    Throttled(#[source] BoxError),
    /// DynamoDB cannot be reached, is too slow, or fails.
    #[error("the table is unavailable")]
    Unavailable(#[source] BoxError),
    /// A request that DynamoDB refuses, or a row that cannot be read: a defect of ours.
    #[error("the table and the code do not agree")]
    Defect(#[source] BoxError),
}

impl Error {
    /// A row that cannot be read.
    pub(super) fn defect(source: impl Into<BoxError>) -> Self {
        Self::Defect(source.into())
    }

    /// A row that cannot be read, for the reason that serde gives. It quotes what it did not
    /// expect, which is somebody's own and not for a log.
    pub(super) fn unreadable(reason: impl ToString) -> Self {
        Self::Defect(without_values(&reason.to_string()).into())
    }
}

/// Leaves out what stands in double quotes, and the name after `unknown variant` or `unknown
/// field`.
fn without_values(reason: &str) -> String {
    let mut left = String::with_capacity(reason.len());
    let mut rest = reason.chars();
    while let Some(c) = rest.next() {
        left.push(c);
        let unknown = c == '`'
            && ["variant `", "field `"]
                .iter()
                .any(|end| left.ends_with(end));
        if c != '"' && !(unknown && left.contains("unknown ")) {
            continue;
        }
        while let Some(inner) = rest.next() {
            match inner {
                // Whatever it escapes is inside still.
                '\\' => _ = rest.next(),
                end if end == c => break,
                _ => {}
            }
        }
        left.push('…');
        left.push(c);
    }
    left
}

/// What DynamoDB's own errors mean here. Whatever it says about a condition is handled before.
impl<E, R> From<SdkError<E, R>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let SdkError::ServiceError(service) = &error else {
            return Self::Unavailable(error.into());
        };
        match service.err().code() {
            Some(
                "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "LimitExceededException",
            ) => Self::Throttled(error.into()),
            Some(
                "ValidationException"
                | "IdempotentParameterMismatchException"
                | "ItemCollectionSizeLimitExceededException",
            ) => Self::Defect(error.into()),
            _ => Self::Unavailable(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_says_is_kept_but_for_the_values() {
        for (said, kept) in [
            (
                r#"invalid type: string "ada \"x\" y", expected a map at line 1"#,
                r#"invalid type: string "…", expected a map at line 1"#,
            ),
            (
                "unknown variant `ada`, expected `manual` or `entra`",
                "unknown variant `…`, expected `manual` or `entra`",
            ),
            ("missing field `name`", "missing field `name`"),
            ("must be an email address", "must be an email address"),
            (r#"string "cut off"#, r#"string "…""#),
        ] {
            assert_eq!(without_values(said), kept);
        }
    }
}
