use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// Error of a table operation.
#[derive(Debug, Error)]
pub enum Error {
    /// Concurrent changes outlasted the retries of this operation.
    #[error("concurrent changes outlasted the retries of {0}")]
    Conflict(&'static str),
    /// A guard of a transaction did not hold. Nothing was written.
    #[error("a guard of the transaction did not hold")]
    GuardFailed,
    /// DynamoDB throttled the request until the retries ran out.
    #[error("the table is throttled")]
    Throttled(#[source] BoxError),
    /// DynamoDB cannot be reached, timed out, or failed.
    #[error("the table is unavailable")]
    Unavailable(#[source] BoxError),
    /// DynamoDB rejected the request, or an item cannot be read: an error in the code.
    #[error("the table and the code do not agree")]
    Defect(#[source] BoxError),
}

impl Error {
    /// Returns an error caused by the code.
    pub(in crate::store) fn defect(source: impl Into<BoxError>) -> Self {
        Self::Defect(source.into())
    }

    /// Returns an error for an item that cannot be read, with the reason from serde. Removes values from the
    /// reason, because they may be personal data and do not belong in a log.
    pub(in crate::store) fn unreadable(reason: impl ToString) -> Self {
        Self::Defect(without_values(&reason.to_string()).into())
    }
}

/// Removes the text in double quotes, and the name after `unknown variant` or `unknown field`.
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
                // An escaped character does not end the quote.
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

/// Classifies a DynamoDB error. Failed conditions are handled before.
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
    fn values_are_removed_from_messages_of_serde() {
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
