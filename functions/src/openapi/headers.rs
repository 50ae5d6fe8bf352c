//! Headers of requests and responses.

use muster::http::MAX_IDEMPOTENCY_KEY_LENGTH;
use serde_json::{Value, json};
use strum::VariantArray;

/// A header of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(super) enum Header {
    RequestId,
    ServerTiming,
    CacheControl,
    Vary,
    /// `Vary` of a response whose form depends on `Accept`.
    VaryByAccept,
    ETag,
    Location,
    Link,
    Replayed,
    RetryAfter,
    Authenticate,
}

impl Header {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "x-request-id",
            Self::ServerTiming => "Server-Timing",
            Self::CacheControl => "Cache-Control",
            Self::Vary | Self::VaryByAccept => "Vary",
            Self::ETag => "ETag",
            Self::Location => "Location",
            Self::Link => "Link",
            Self::Replayed => "Idempotency-Replayed",
            Self::RetryAfter => "Retry-After",
            Self::Authenticate => "WWW-Authenticate",
        }
    }

    fn schema(self) -> (&'static str, Value) {
        match self {
            Self::RequestId => (
                "The request id, as in the logs.",
                json!({"type": "string", "minLength": 1, "examples": ["UQ3bVgkXFiAEJ5A="]}),
            ),
            Self::ServerTiming => (
                "Time spent waiting for the database in milliseconds, and the number of round trips.",
                json!({"type": "string", "pattern": r#"^db;dur=[0-9.]+;desc="[0-9]+ rt"$"#, "examples": ["db;dur=4.2;desc=\"1 rt\""]}),
            ),
            Self::CacheControl => (
                "Responses differ by caller and are revalidated each time.",
                json!({"type": "string", "const": "private, no-cache"}),
            ),
            Self::Vary => (
                "Responses differ by caller.",
                json!({"type": "string", "const": "Authorization"}),
            ),
            Self::VaryByAccept => (
                "Responses differ by caller and by the media type that `Accept` names.",
                json!({"type": "string", "const": "Authorization, Accept"}),
            ),
            Self::ETag => (
                "The version of the resource and a digest of its representation, for `If-Match` and `If-None-Match`.",
                json!({"type": "string", "pattern": "^\"[0-9]+\\.[0-9a-f]{16}\"$", "examples": ["\"3.1c52f7a09be4d866\""]}),
            ),
            Self::Location => (
                "The path of the new resource.",
                json!({"type": "string", "format": "uri-reference", "pattern": "^/"}),
            ),
            Self::Link => (
                "With `Accept: text/csv` or `application/x-ndjson`: the URL of the next page, relative to that of this page. Absent at the end.",
                json!({"type": "string", "pattern": r#"^<\?.*>; rel="next"$"#}),
            ),
            Self::Replayed => (
                "Present if this is the response to an earlier request with the same `Idempotency-Key`.",
                json!({"type": "string", "const": "true"}),
            ),
            Self::RetryAfter => (
                "Number of seconds after which to retry.",
                json!({"type": "string", "pattern": "^[1-9][0-9]*$", "examples": ["1"]}),
            ),
            Self::Authenticate => (
                "The authentication scheme. Sent by API Gateway.",
                json!({"type": "string", "examples": ["Bearer"]}),
            ),
        }
    }

    /// The header, either always present (`required`) or optional.
    pub(super) fn to_json(self, required: bool) -> Value {
        if required && self != Self::VaryByAccept {
            return json!({"$ref": format!("#/components/headers/{}", self.name())});
        }
        let (description, schema) = self.schema();
        let mut header = json!({"description": description, "schema": schema});
        if required {
            super::object::insert(&mut header, "required", json!(true));
        }
        header
    }
}

/// The headers of every response.
pub(super) fn components() -> Value {
    Header::VARIANTS
        .iter()
        // Headers of some responses only; `VaryByAccept` also has the name of `Vary`.
        .filter(|header| {
            !matches!(
                header,
                Header::VaryByAccept
                    | Header::Link
                    | Header::Replayed
                    | Header::Authenticate
                    | Header::RetryAfter
            )
        })
        .map(|header| {
            let (description, schema) = header.schema();
            let component = json!({"description": description, "required": true, "schema": schema});
            (header.name().to_owned(), component)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// `Idempotency-Key`
pub(super) fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request idempotent: the same key with the same body returns the first response again for at least 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH, "pattern": "^[!-~]+$"},
        "example": "0f6f3c52-5a2a-4c0e-9f4e-5d0f3c1b7a90",
    })
}

/// `If-Match`
pub(super) fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "Applies the change only if the resource has one of these versions. Only the version of an `ETag` is compared; \"3\" alone is accepted too.",
        "schema": {"type": "string"},
        "example": "\"3.1c52f7a09be4d866\"",
    })
}

/// `If-None-Match`
pub(super) fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "Returns 304 if the representation has one of these entity tags. The whole `ETag` is compared.",
        "schema": {"type": "string"},
        "example": "\"3.1c52f7a09be4d866\"",
    })
}
