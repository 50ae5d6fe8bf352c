//! The error responses of the gateway.
//!
//! API Gateway responds with `{"message": "Unauthorized"}` as `application/json`. The contract
//! requires a problem document for every error, so the local gateway sends both: `message` as API
//! Gateway, and the members of the contract. A client that reads only the status works with both.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use muster::http::{Code, Problem};
use serde_json::json;

/// An error of the gateway.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The message of API Gateway, with its status.
    status: StatusCode,
    message: &'static str,
    problem: Problem,
}

impl Refused {
    /// An error with this status and message, the code of the contract, and what to do.
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

    /// An invalid request.
    pub(crate) fn invalid(problem: Problem) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: "Bad Request",
            problem,
        }
    }

    /// A function failed: the response shows no details.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal Server Error",
            Code::Internal,
            "The function failed; the terminal of the local stack says how.",
        )
    }

    /// The response to the request with this path and id.
    pub(crate) fn into_response(self, path: &str, request_id: &str) -> Response {
        let mut body = self.problem.to_json(path, request_id);
        if let Some(body) = body.as_object_mut() {
            body.insert("message".to_owned(), json!(self.message));
            // The contract has no code for errors that only a gateway returns (431).
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
