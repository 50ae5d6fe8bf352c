//! Errors in the formats of Graph and of the token endpoint.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use muster::domain::Clock;
use serde_json::{Value, json};

use super::file::GraphEndpoint;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// An error of Graph.
#[derive(Debug)]
pub(super) struct EntraRefusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// An error of the token endpoint:
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
#[derive(Debug)]
pub(super) struct TokenRefusal {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    /// The number after `AADSTS`.
    pub(super) number: u32,
    pub(super) description: String,
}

impl TokenRefusal {
    /// The refusal for an Entra tenant that does not exist.
    pub(super) fn unknown_tenant(tenant: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: "invalid_request",
            number: 90_002,
            description: format!("Tenant '{tenant}' not found."),
        }
    }
}

impl EntraRefusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// Graph's default message for this status.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            401 => ("InvalidAuthenticationToken", "Access token is empty."),
            403 => (
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            ),
            404 => ("Request_ResourceNotFound", "The resource does not exist."),
            429 => ("TooManyRequests", "Too many requests."),
            503 => ("serviceNotAvailable", "The service is not available."),
            400..=499 => ("Request_BadRequest", "The request is invalid."),
            _ => ("UnknownError", "An error has occurred."),
        };
        Self::new(status, code, message)
    }

    /// The response; the token endpoint has its own format.
    pub(super) fn into_response(self, endpoint: GraphEndpoint) -> Response {
        if endpoint != GraphEndpoint::Token {
            return self.graph();
        }
        let (error, number) = match self.status.as_u16() {
            401 => ("invalid_client", 7_000_215),
            429 | 500..=599 => ("temporarily_unavailable", 90_033),
            _ => ("invalid_request", 900_144),
        };
        let refusal = TokenRefusal {
            status: self.status,
            error,
            number,
            description: "The directory's file says so.".to_owned(),
        };
        refusal.into_response()
    }

    /// `{"error": {"code": …, "message": …, "innerError": …}}`
    pub(super) fn graph(self) -> Response {
        let clock = Clock::system();
        let id = clock.new_id().to_string();
        let now = clock.now().to_string();
        let mut response = json(
            self.status,
            &json!({"error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": now.split('.').next(),
                    "request-id": id,
                    "client-request-id": id,
                },
            }}),
        );
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

impl TokenRefusal {
    /// `{"error": "invalid_client", "error_description": "AADSTS7000215: …", …}`
    pub(super) fn into_response(self) -> Response {
        let clock = Clock::system();
        let (trace, correlation) = (clock.new_id(), clock.new_id());
        let now = clock.now().to_string().replace('T', " ");
        let now = now.split('.').next().unwrap_or_default();
        let Self {
            number,
            description,
            ..
        } = self;
        json(
            self.status,
            &json!({
                "error": self.error,
                "error_description": format!(
                    "AADSTS{number}: {description} Trace ID: {trace} Correlation ID: {correlation} \
                     Timestamp: {now}Z"
                ),
                "error_codes": [number],
                "timestamp": format!("{now}Z"),
                "trace_id": trace.to_string(),
                "correlation_id": correlation.to_string(),
            }),
        )
    }
}

/// A body with the headers of every response.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    let mut response = (status, json, body.to_string()).into_response();
    if let Ok(id) = HeaderValue::from_str(&Clock::system().new_id().to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
