//! What the gateway itself answers when it refuses.
//!
//! The real one answers a bare `{"message": "Unauthorized"}` as `application/json`. Muster's
//! contract says that every error is a problem document, so here the two are one: `message` is what
//! the real gateway says, the rest is what the contract asks for. A client that reads only
//! `status` works against both.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;

/// An error in the form of RFC 9457.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// What the real gateway says.
    pub(crate) message: &'static str,
    /// The contract's stable code.
    pub(crate) code: &'static str,
    /// What to do about it.
    pub(crate) detail: String,
    pub(crate) errors: Vec<Violation>,
}

/// One wrong field of a body.
#[derive(Debug, Serialize)]
pub(crate) struct Violation {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Violation {
    /// What is wrong with a field at the top of the body.
    pub(crate) fn of(field: &str, detail: impl Into<String>) -> Self {
        let field = field.replace('~', "~0").replace('/', "~1");
        Self {
            pointer: format!("/{field}"),
            detail: detail.into(),
        }
    }
}

impl Problem {
    /// A problem whose detail is still to be said.
    pub(crate) fn new(status: StatusCode, message: &'static str, code: &'static str) -> Self {
        Self {
            status,
            message,
            code,
            detail: message.to_owned(),
            errors: Vec::new(),
        }
    }

    /// A function failed: nothing of it shows.
    pub(crate) fn internal() -> Self {
        Self {
            detail: "The function failed; the terminal of the local stack says how.".to_owned(),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                "internal",
            )
        }
    }

    /// Fields of a body that are wrong.
    pub(crate) fn violations(errors: Vec<Violation>) -> Self {
        let named = errors
            .iter()
            .map(|error| format!("{} {}", error.pointer, error.detail));
        Self {
            detail: named.collect::<Vec<_>>().join("; "),
            errors,
            ..Self::new(StatusCode::BAD_REQUEST, "Bad Request", "validation-failed")
        }
    }

    /// The answer to the request of this id.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let mut body = json!({
            "message": self.message,
            "type": format!("urn:muster:problem:{}", self.code),
            "title": self.message,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        });
        if let (Some(body), false) = (body.as_object_mut(), self.errors.is_empty()) {
            body.insert("errors".to_owned(), json!(self.errors));
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, kind)],
            body.to_string(),
        )
            .into_response();
        if let Ok(id) = HeaderValue::from_str(request_id) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }
}
