//! The error response.

use serde_json::{Value, json};
use strum::AsRefStr;

/// The `schemas` value of an error.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The `scimType` of an error (RFC 7644, table 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "camelCase")]
pub enum ScimType {
    /// The filter has the wrong syntax, or is not supported.
    InvalidFilter,
    /// The filter has more results than the server returns.
    TooMany,
    /// A unique attribute has a value that is taken. Status 409.
    Uniqueness,
    /// The change is not compatible with the mutability of the attribute.
    Mutability,
    /// The body has the wrong structure.
    InvalidSyntax,
    /// The `path` of an operation is malformed.
    InvalidPath,
    /// The `path` of an operation leads to nothing that can be changed.
    NoTarget,
    /// A value is missing or has the wrong type.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request has sensitive information in its URI.
    Sensitive,
}

/// A refused request. The detail never repeats a value of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The type of the error, for programs.
    pub scim_type: Option<ScimType>,
    /// The description of the error, for people.
    pub detail: String,
}

impl Error {
    /// An error with a status and no `scimType`, such as 401, 403, 404, 412 or 413.
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    /// An error with a `scimType`. The status is 409 for `uniqueness`, 403 for `sensitive`, else 400.
    pub fn of(scim_type: ScimType, detail: impl Into<String>) -> Self {
        let status = match scim_type {
            ScimType::Uniqueness => 409,
            ScimType::Sensitive => 403,
            _ => 400,
        };
        Self {
            status,
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    /// The body of the response. `status` is a string, as RFC 7644 demands.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(body)) = (self.scim_type, body.as_object_mut()) {
            body.insert("scimType".to_owned(), scim_type.as_ref().into());
        }
        body
    }
}

/// Returns the error of a value that is missing or wrong.
pub(crate) fn invalid_value(detail: impl Into<String>) -> Error {
    Error::of(ScimType::InvalidValue, detail)
}
