//! Errors for the caller: `application/problem+json` (RFC 9457), each with a stable code and a text on what to do.
//! The internal cause is kept for the log only and never shown.

use std::error::Error as StdError;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use strum::{IntoStaticStr, VariantArray};

use super::uri_path;
use crate::json::{Violation, Violations};

/// A stable error code for programs. Each code has one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "`title` describes each code")]
pub enum Code {
    Unauthenticated,
    UnusableSubject,
    NoTenant,
    UserDisabled,
    Forbidden,
    NotFound,
    ValidationFailed,
    InvalidJson,
    UnsupportedMediaType,
    BodyTooLarge,
    InvalidCursor,
    NameTaken,
    AlreadyMember,
    AlreadyInvited,
    LastOwner,
    DirectoryManaged,
    UnknownUser,
    NotAnOrganizationMember,
    BudgetExceedsOrganization,
    InvitationNotPending,
    InvitationNotValid,
    EmailNotVerified,
    InvitationForAnotherAddress,
    InvitationPending,
    IdempotencyMismatch,
    VersionMismatch,
    LimitReached,
    EndpointDisabled,
    SentRecently,
    DomainTaken,
    DomainNotVerified,
    DirectoryTaken,
    Conflict,
    Throttled,
    Unavailable,
    Internal,
}

impl Code {
    /// Returns the status and the title.
    const fn facts(self) -> (u16, &'static str) {
        match self {
            Self::Unauthenticated => (401, "No valid token"),
            Self::UnusableSubject => (403, "The token's subject cannot be used"),
            Self::NoTenant => (403, "The token's tenant cannot be used"),
            Self::UserDisabled => (403, "The user is disabled"),
            Self::Forbidden => (403, "Not allowed"),
            Self::NotFound => (404, "Not found"),
            Self::ValidationFailed => (400, "The request is not valid"),
            Self::InvalidJson => (400, "The body is not a JSON object"),
            Self::UnsupportedMediaType => (415, "Unsupported media type"),
            Self::BodyTooLarge => (413, "The body is too large"),
            Self::InvalidCursor => (400, "Invalid cursor"),
            Self::NameTaken => (409, "Name taken"),
            Self::AlreadyMember => (409, "Already a member"),
            Self::AlreadyInvited => (409, "Already invited"),
            Self::LastOwner => (409, "Last owner"),
            Self::DirectoryManaged => (409, "Managed by the directory"),
            Self::UnknownUser => (422, "Unknown user"),
            Self::NotAnOrganizationMember => (422, "Not a member of the organization"),
            Self::BudgetExceedsOrganization => (422, "Exceeds the organization's limits"),
            Self::InvitationNotPending => (403, "The invitation is not pending"),
            Self::InvitationNotValid => (409, "The invitation is no longer valid"),
            Self::EmailNotVerified => (403, "Email address not verified"),
            Self::InvitationForAnotherAddress => (403, "The invitation is for another address"),
            Self::InvitationPending => (422, "The invitation is pending"),
            Self::IdempotencyMismatch => (422, "Idempotency key reused"),
            Self::VersionMismatch => (412, "Version mismatch"),
            Self::LimitReached => (409, "Limit reached"),
            Self::EndpointDisabled => (409, "Webhook endpoint disabled"),
            Self::SentRecently => (429, "Invitation sent recently"),
            Self::DomainTaken => (409, "Domain taken"),
            Self::DirectoryTaken => (409, "Directory taken"),
            Self::DomainNotVerified => (409, "Domain not verified"),
            Self::Conflict => (409, "Modified concurrently"),
            Self::Throttled => (429, "Too many requests"),
            Self::Unavailable => (503, "Temporarily unavailable"),
            Self::Internal => (500, "Internal error"),
        }
    }

    /// Returns the stable code.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().0
    }

    /// Returns its meaning in a few words.
    pub const fn title(self) -> &'static str {
        self.facts().1
    }

    /// Returns the number of seconds after which to retry, if a retry helps.
    pub const fn retry_after(self) -> Option<u8> {
        match self {
            Self::Throttled | Self::Unavailable => Some(1),
            Self::SentRecently => Some(60),
            _ => None,
        }
    }
}

/// A problem document (RFC 9457) with a stable code.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDocument<'a> {
    /// A URI that identifies the kind of error: `urn:muster:problem:` and the code.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri"))]
    kind: String,
    /// A short summary of the kind of error. May be reworded.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong and what to do. May be reworded.
    detail: &'a str,
    /// The path of the request.
    #[schemars(extend("format" = "uri-reference"))]
    instance: String,
    /// The stable error code.
    code: Code,
    /// The request id, as in the logs and in the header `x-request-id`.
    request_id: &'a str,
    /// Every violation, for `validation-failed` and `budget-exceeds-organization`; the organizations, for a
    /// `last-owner` when a user is erased.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    errors: &'a [Violation],
}

/// An error of a request.
#[derive(Debug)]
pub struct Problem {
    /// The error code.
    pub code: Code,
    /// The text on what went wrong and what to do, for the caller.
    pub detail: String,
    /// All violations in the request.
    pub violations: Vec<Violation>,
    /// The internal cause, for the log only.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// Creates an error without violations and without a cause.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            violations: Vec::new(),
            source: None,
        }
    }

    /// Creates the error of a request with these violations. There must be at least one.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self {
            violations,
            ..Self::new(
                Code::ValidationFailed,
                "The field errors lists each field that is not valid, and what is allowed.",
            )
        }
    }

    /// Creates the error of a request with one violation.
    pub fn invalid_at(pointer: impl Into<String>, detail: impl ToString) -> Self {
        Self::invalid(vec![Violation {
            pointer: pointer.into(),
            detail: detail.to_string(),
        }])
    }

    /// Creates the error of a defect in Muster.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Code::Internal,
                "This is an error of the service. Report it with the request_id.",
            )
        }
    }

    /// Returns the body. API Gateway percent-decodes the path, and `instance` is a URI.
    pub fn to_json(&self, path: &str, request_id: &str) -> Value {
        json!(ProblemDocument {
            kind: format!("urn:muster:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            detail: &self.detail,
            instance: uri_path(path),
            code: self.code,
            request_id,
            errors: &self.violations,
        })
    }
}

impl From<Violations> for Problem {
    fn from(violations: Violations) -> Self {
        Self::invalid(violations.into())
    }
}
