//! What the gateway itself answers when it refuses.
//!
//! The real one answers a bare `{"message": "Unauthorized"}` as `application/json`. Muster's
//! contract says that every error is a problem document, so here the two are one: `message` is what
//! the real gateway says, the rest is what the contract asks for. A client that reads only the
//! status works against both.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use muster::http::{Code, Problem};
use serde_json::json;

/// A refusal of the gateway.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What the real gateway says, with its status.
    status: StatusCode,
    message: &'static str,
    problem: Problem,
}

impl Refused {
    /// A refusal with this status and message, as the contract calls it and with what to do.
    pub(crate) fn new(
        status: StatusCode,
        message: &'static str,
        code: Code,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            message,
            problem: Problem::new(code, detail),
        }
    }

    /// A request that is not valid.
    pub(crate) fn invalid(problem: Problem) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: "Bad Request",
            problem,
        }
    }

    /// A function failed: nothing of it shows.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal Server Error",
            Code::Internal,
            "The function failed; the terminal of the local stack says how.",
        )
    }

    /// The answer to the request of this path and id.
    pub(crate) fn into_response(self, path: &str, request_id: &str) -> Response {
        let mut body = self.problem.to_json(path, request_id);
        if let Some(body) = body.as_object_mut() {
            body.insert("message".to_owned(), json!(self.message));
            // The contract has no code of its own for what only a gateway refuses (431).
            body.insert("status".to_owned(), json!(self.status.as_u16()));
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, kind)],
            body.to_string(),
        )
            .into_response();
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", id);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.problem.code.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
        }
        response
    }
}
