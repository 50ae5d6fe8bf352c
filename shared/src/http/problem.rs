//! Errors as the caller sees them: `application/problem+json` (RFC 9457), each with a stable code
//! and words on what to do. What went wrong inside is kept beside it for the log, and never shown.

use std::borrow::Cow;
use std::error::Error as StdError;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::uri_path;
use crate::store;

/// What an error is, for programs. Each has one status and means the same for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // `title` says what each means
pub enum Code {
    Unauthenticated,
    UnusableSubject,
    NoTenant,
    Forbidden,
    NotFound,
    ValidationFailed,
    InvalidJson,
    UnsupportedMediaType,
    BodyTooLarge,
    InvalidCursor,
    NameTaken,
    AlreadyMember,
    LastOwner,
    DirectoryManaged,
    UnknownUser,
    NotAnOrganizationMember,
    BudgetExceedsOrganization,
    InvitationNotPending,
    InvitationNotValid,
    InvitationPending,
    IdempotencyMismatch,
    VersionMismatch,
    Conflict,
    Throttled,
    Unavailable,
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Unauthenticated,
        Self::UnusableSubject,
        Self::NoTenant,
        Self::Forbidden,
        Self::NotFound,
        Self::ValidationFailed,
        Self::InvalidJson,
        Self::UnsupportedMediaType,
        Self::BodyTooLarge,
        Self::InvalidCursor,
        Self::NameTaken,
        Self::AlreadyMember,
        Self::LastOwner,
        Self::DirectoryManaged,
        Self::UnknownUser,
        Self::NotAnOrganizationMember,
        Self::BudgetExceedsOrganization,
        Self::InvitationNotPending,
        Self::InvitationNotValid,
        Self::InvitationPending,
        Self::IdempotencyMismatch,
        Self::VersionMismatch,
        Self::Conflict,
        Self::Throttled,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code, the status and the title.
    const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", 401, "No valid token"),
            Self::UnusableSubject => (
                "unusable-subject",
                403,
                "The token's subject cannot be used",
            ),
            Self::NoTenant => ("no-tenant", 403, "The token's tenant cannot be used"),
            Self::Forbidden => ("forbidden", 403, "Not allowed"),
            Self::NotFound => ("not-found", 404, "Not found"),
            Self::ValidationFailed => ("validation-failed", 400, "The request is not valid"),
            Self::InvalidJson => ("invalid-json", 400, "The body is not a JSON object"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                415,
                "The body is not declared as JSON",
            ),
            Self::BodyTooLarge => ("body-too-large", 413, "The body is too large"),
            Self::InvalidCursor => ("invalid-cursor", 400, "The cursor is not of this list"),
            Self::NameTaken => ("name-taken", 409, "The name is taken"),
            Self::AlreadyMember => ("already-member", 409, "Already a member"),
            Self::LastOwner => ("last-owner", 409, "The last owner"),
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
                "More than the organization's limits",
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
            Self::InvitationPending => ("invitation-pending", 422, "The invitation is pending"),
            Self::IdempotencyMismatch => (
                "idempotency-mismatch",
                422,
                "The idempotency key was used for another request",
            ),
            Self::VersionMismatch => ("version-mismatch", 412, "Changed in the meantime"),
            Self::Conflict => ("conflict", 409, "Changed by others at the same time"),
            Self::Throttled => ("throttled", 429, "Too much at once"),
            Self::Unavailable => ("unavailable", 503, "Not available right now"),
            Self::Internal => ("internal", 500, "An error of ours"),
        }
    }

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().1
    }

    /// What it means, in a few words.
    pub const fn title(self) -> &'static str {
        self.facts().2
    }

    /// After how many seconds to try again, where that helps.
    pub const fn retry_after(self) -> Option<u8> {
        match self {
            Self::Throttled | Self::Unavailable => Some(1),
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
            "description": "What an error is, for programs. Each has one status and means the same for ever.",
            "type": "string",
            "enum": Self::ALL,
        })
    }
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// Where: a JSON pointer (RFC 6901) into the body, or the parameter's name after a slash.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

/// An error: a problem document as RFC 9457 has it, with a stable code.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDocument<'a> {
    /// A URI for the kind of error: `urn:muster:problem:` and the code.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri"))]
    kind: String,
    /// What the kind of error is, in a few words. May be reworded.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to do about it, in words for whoever reads it. May be reworded.
    detail: &'a str,
    /// The path that was asked for.
    #[schemars(extend("format" = "uri-reference"))]
    instance: String,
    /// The kind of error, for programs.
    code: Code,
    /// The request, as the log names it; also in the header `x-request-id`.
    request_id: &'a str,
    /// Everything that is wrong with the request, for `validation-failed` and
    /// `budget-exceeds-organization`.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    errors: &'a [Violation],
}

/// An error, as it is answered.
#[derive(Debug)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// What to do about it, in words for whoever reads it.
    pub detail: String,
    /// Everything that is wrong with the request.
    pub violations: Vec<Violation>,
    /// What went wrong inside: for the log only.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// An error without more to it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            violations: Vec::new(),
            source: None,
        }
    }

    /// A request with these violations, of which there is at least one.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self {
            violations,
            ..Self::new(
                Code::ValidationFailed,
                "See errors for each field that is not valid and what it should be.",
            )
        }
    }

    /// A request with one violation.
    pub fn invalid_at(pointer: impl Into<String>, detail: impl ToString) -> Self {
        Self::invalid(vec![Violation {
            pointer: pointer.into(),
            detail: detail.to_string(),
        }])
    }

    /// A defect of ours.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Code::Internal,
                "Nothing that you sent explains this. Report it with the request_id.",
            )
        }
    }

    /// The body. The path comes percent-decoded from API Gateway, and `instance` is a URI.
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

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error as E;

        let (code, detail) = match &error {
            E::NotFound => (
                Code::NotFound,
                "There is no such thing, or not for you. Check the ids, and that you are signed in to the right tenant.",
            ),
            E::Forbidden => (
                Code::Forbidden,
                "Your role does not allow this. Ask an owner of the organization or a tenant admin.",
            ),
            E::NameTaken => (
                Code::NameTaken,
                "That name is taken by another one. Choose a different name.",
            ),
            E::AlreadyMember => (
                Code::AlreadyMember,
                "The user is a member or invited already, with another role. Change it with PATCH on the member.",
            ),
            E::AlreadySuspended => (
                Code::AlreadyMember,
                "The user is a member already, and suspended. Make them active with PATCH on the member: {\"status\": \"active\"}.",
            ),
            E::LastOwner => (
                Code::LastOwner,
                "This is the organization's last active owner. Make another member an owner first.",
            ),
            E::DirectoryManaged => (
                Code::DirectoryManaged,
                "This membership comes from the directory: remove them from the group in Entra. \
                 A tenant admin may use ?force=true when the directory is gone.",
            ),
            E::UnknownUser => (
                Code::UnknownUser,
                "Nobody of that id is known in your tenant. A tenant admin registers them with PUT /users/{user_id}.",
            ),
            E::NotAnOrganizationMember => (
                Code::NotAnOrganizationMember,
                "The team is in an organization of which the user is no active member. Add them there first.",
            ),
            E::BudgetExceedsOrganization(exceeding) => {
                let violations = exceeding.iter().map(|limit| Violation {
                    pointer: limit.pointer.to_owned(),
                    detail: limit.reason.to_string(),
                });
                return Self {
                    violations: violations.collect(),
                    ..Self::new(
                        Code::BudgetExceedsOrganization,
                        "Limits of the team are higher than its organization's. Lower those in errors, or raise the organization's first.",
                    )
                };
            }
            E::InvitationNotPending => (
                Code::InvitationNotPending,
                "The membership is suspended. Ask an owner or admin of the organization.",
            ),
            E::InvitationNotValid => (
                Code::InvitationNotValid,
                "The inviter may no longer invite with this role. Ask an owner or admin of the organization for a new invitation.",
            ),
            E::InvitationPending => (
                Code::InvitationPending,
                "The user has not accepted their invitation yet. To take it back, remove the member instead.",
            ),
            E::IdempotencyMismatch => (
                Code::IdempotencyMismatch,
                "This Idempotency-Key was used for a request with other content. Use a new key for a new request.",
            ),
            E::VersionMismatch => (
                Code::VersionMismatch,
                "The resource is not in a version that If-Match and If-None-Match allow. Read it again and repeat the change.",
            ),
            E::Invalid { field, reason } => return Self::invalid_at(*field, reason),
            E::InvalidPosition => (
                Code::InvalidCursor,
                "This cursor is not one of this list. Begin anew without a cursor.",
            ),
            E::Conflict => (
                Code::Conflict,
                "Others keep changing the same thing. Read it again and repeat.",
            ),
            E::Throttled(_) => (
                Code::Throttled,
                "Too many requests at once. Repeat after the seconds of Retry-After.",
            ),
            E::Unavailable(_) => (
                Code::Unavailable,
                "The database did not answer in time. Repeat after the seconds of Retry-After; with an Idempotency-Key nothing happens twice.",
            ),
            E::Defect(_) => return Self::internal(error),
        };
        let ours = matches!(error, E::Conflict | E::Throttled(_) | E::Unavailable(_));
        Self {
            source: ours.then(|| error.into()),
            ..Self::new(code, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_ours_shows_nothing_of_itself() {
        let problem = Problem::from(store::Error::Defect("row TENANT#t#USER#u".into()));
        let body = problem.to_json("/organizations", "r1").to_string();
        assert!(!body.contains("TENANT#"), "{body}");
        assert!(problem.source.is_some(), "kept for the log");
    }
}
