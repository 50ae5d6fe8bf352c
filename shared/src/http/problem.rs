//! Errors for the caller: `application/problem+json` (RFC 9457), each with a stable code and a text on what to do.
//! The internal cause is kept for the log only and never shown.

use std::borrow::Cow;
use std::error::Error as StdError;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::uri_path;
use crate::json::{Violation, Violations};

/// A stable error code for programs. Each code has one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// All codes.
    pub const ALL: [Self; 36] = [
        Self::Unauthenticated,
        Self::UnusableSubject,
        Self::NoTenant,
        Self::UserDisabled,
        Self::Forbidden,
        Self::NotFound,
        Self::ValidationFailed,
        Self::InvalidJson,
        Self::UnsupportedMediaType,
        Self::BodyTooLarge,
        Self::InvalidCursor,
        Self::NameTaken,
        Self::AlreadyMember,
        Self::AlreadyInvited,
        Self::LastOwner,
        Self::DirectoryManaged,
        Self::UnknownUser,
        Self::NotAnOrganizationMember,
        Self::BudgetExceedsOrganization,
        Self::InvitationNotPending,
        Self::InvitationNotValid,
        Self::EmailNotVerified,
        Self::InvitationForAnotherAddress,
        Self::InvitationPending,
        Self::IdempotencyMismatch,
        Self::VersionMismatch,
        Self::LimitReached,
        Self::EndpointDisabled,
        Self::SentRecently,
        Self::DomainTaken,
        Self::DomainNotVerified,
        Self::DirectoryTaken,
        Self::Conflict,
        Self::Throttled,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Returns the code, the status and the title.
    const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", 401, "No valid token"),
            Self::UnusableSubject => (
                "unusable-subject",
                403,
                "The token's subject cannot be used",
            ),
            Self::NoTenant => ("no-tenant", 403, "The token's tenant cannot be used"),
            Self::UserDisabled => ("user-disabled", 403, "The user is disabled"),
            Self::Forbidden => ("forbidden", 403, "Not allowed"),
            Self::NotFound => ("not-found", 404, "Not found"),
            Self::ValidationFailed => ("validation-failed", 400, "The request is not valid"),
            Self::InvalidJson => ("invalid-json", 400, "The body is not a JSON object"),
            Self::UnsupportedMediaType => ("unsupported-media-type", 415, "Unsupported media type"),
            Self::BodyTooLarge => ("body-too-large", 413, "The body is too large"),
            Self::InvalidCursor => ("invalid-cursor", 400, "Invalid cursor"),
            Self::NameTaken => ("name-taken", 409, "Name taken"),
            Self::AlreadyMember => ("already-member", 409, "Already a member"),
            Self::AlreadyInvited => ("already-invited", 409, "Already invited"),
            Self::LastOwner => ("last-owner", 409, "Last owner"),
            Self::DirectoryManaged => ("directory-managed", 409, "Managed by the directory"),
            Self::UnknownUser => ("unknown-user", 422, "Unknown user"),
            Self::NotAnOrganizationMember => (
                "not-an-organization-member",
                422,
                "Not a member of the organization",
            ),
            Self::BudgetExceedsOrganization => (
                "budget-exceeds-organization",
                422,
                "Exceeds the organization's limits",
            ),
            Self::InvitationNotPending => (
                "invitation-not-pending",
                403,
                "The invitation is not pending",
            ),
            Self::InvitationNotValid => (
                "invitation-not-valid",
                409,
                "The invitation is no longer valid",
            ),
            Self::EmailNotVerified => ("email-not-verified", 403, "Email address not verified"),
            Self::InvitationForAnotherAddress => (
                "invitation-for-another-address",
                403,
                "The invitation is for another address",
            ),
            Self::InvitationPending => ("invitation-pending", 422, "The invitation is pending"),
            Self::IdempotencyMismatch => ("idempotency-mismatch", 422, "Idempotency key reused"),
            Self::VersionMismatch => ("version-mismatch", 412, "Version mismatch"),
            Self::LimitReached => ("limit-reached", 409, "Limit reached"),
            Self::EndpointDisabled => ("endpoint-disabled", 409, "Webhook endpoint disabled"),
            Self::SentRecently => ("sent-recently", 429, "Invitation sent recently"),
            Self::DomainTaken => ("domain-taken", 409, "Domain taken"),
            Self::DirectoryTaken => ("directory-taken", 409, "Directory taken"),
            Self::DomainNotVerified => ("domain-not-verified", 409, "Domain not verified"),
            Self::Conflict => ("conflict", 409, "Modified concurrently"),
            Self::Throttled => ("throttled", 429, "Too many requests"),
            Self::Unavailable => ("unavailable", 503, "Temporarily unavailable"),
            Self::Internal => ("internal", 500, "Internal error"),
        }
    }

    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// Returns the HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().1
    }

    /// Returns its meaning in a few words.
    pub const fn title(self) -> &'static str {
        self.facts().2
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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A stable error code for programs. Each code has one status.",
            "type": "string",
            "enum": Self::ALL.as_slice(),
        })
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
                "See errors for each field that is not valid, and for what is allowed.",
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
