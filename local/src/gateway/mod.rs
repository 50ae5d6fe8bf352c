//! Emulates the HTTP API: finds the route, verifies the token, creates the event, invokes the
//! function, and converts its result to a response.

mod answer;
mod authorizer;
mod claims;
mod event;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use muster::domain::Clock;
use muster::http::{Code, Problem};
use percent_encoding::percent_decode_str;

use self::authorizer::{Authorizer, TokenRejection};
use self::event::{Circumstances, event};
use self::route::{FoundRoute, Routes};
use crate::issuer::Issuer;
use crate::lambda::Lambda;
use crate::log::Log;
use crate::problem::Refused;
use crate::template::Route;

/// The maximum size of a body.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;
/// The maximum total size of request line and headers.
const MAX_HEAD: usize = 10_240;
/// The time limit of a function.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP API.
#[derive(Debug)]
pub(crate) struct Gateway {
    routes: Routes,
    authorizer: Authorizer,
    lambda: Arc<Lambda>,
    clock: Clock,
    log: Log,
}

impl Gateway {
    /// An API with these routes to these functions.
    pub(crate) fn new(
        routes: &[Route],
        issuer: &Issuer,
        lambda: Arc<Lambda>,
        log: Log,
    ) -> Result<Self> {
        Ok(Self {
            routes: Routes::new(routes)?,
            authorizer: Authorizer::new(issuer)?,
            lambda,
            clock: Clock::system(),
            log,
        })
    }

    async fn answer(
        &self,
        parts: &Parts,
        found: Option<&FoundRoute<'_>>,
        body: Result<Bytes, Refused>,
        source: SocketAddr,
        request_id: &str,
    ) -> Result<Response, Refused> {
        if head_size(parts) > MAX_HEAD {
            return Err(head_too_large());
        }
        let found = found.ok_or_else(|| no_route(parts))?;
        let claims = if found.route.authorized {
            let claims = self
                .authorizer
                .claims(&parts.headers)
                .map_err(unauthenticated)?;
            Some(claims::render(&claims))
        } else {
            None
        };
        let time = self.clock.now();
        let about = Circumstances {
            found,
            claims,
            request_id,
            time,
            source: source.ip(),
        };
        let event = event(parts, &body?, about);
        let deployed = self
            .lambda
            .find(&found.route.function)
            .ok_or_else(Refused::internal)?;
        let invocation = self.lambda.invoke(deployed, event, request_id);
        match tokio::time::timeout(INTEGRATION_TIMEOUT, invocation).await {
            Ok(Ok(answer)) => answer::response(answer).ok_or_else(|| {
                let name = &found.route.function;
                self.log.line(format_args!(
                    "{name} failed: its answer is not an HTTP response"
                ));
                Refused::internal()
            }),
            Ok(Err(_)) => Err(Refused::internal()),
            Err(_) => Err(timed_out()),
        }
    }
}

/// Serves a request.
pub(crate) async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let request_id = gateway.clock.new_id().to_string();
    let (parts, body) = request.into_parts();
    let found = gateway.routes.find(parts.method.as_str(), parts.uri.path());
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|rejection| body_refused(rejection.status()));
    let answer = gateway
        .answer(&parts, found.as_ref(), body, source, &request_id)
        .await;
    let mut response = answer.unwrap_or_else(|refused| {
        // A target with only a host (`GET example.com`) has no path, and `*` is not one.
        let path = Some(parts.uri.path()).filter(|path| path.starts_with('/'));
        let path = percent_decode_str(path.unwrap_or("/")).decode_utf8_lossy();
        refused.into_response(&path, &request_id)
    });
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    let line = found.map_or("no such route".to_owned(), |found| {
        format!("{} {}", parts.method, found.route.path)
    });
    let (status, took) = (response.status().as_u16(), started.elapsed().as_millis());
    gateway.log.line(format_args!("{line} {status} {took} ms"));
    response
}

fn head_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + " HTTP/1.1".len();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    line + headers.sum::<usize>()
}

fn head_too_large() -> Refused {
    Refused::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "Request Header Fields Too Large",
        Code::ValidationFailed,
        format!("Send at most {MAX_HEAD} bytes of request line and headers together."),
    )
}

fn no_route(parts: &Parts) -> Refused {
    let (method, path) = (&parts.method, parts.uri.path());
    Refused::new(
        StatusCode::NOT_FOUND,
        "Not Found",
        Code::NotFound,
        format!("There is no route {method} {path}. The page at / lists the routes."),
    )
}

fn unauthenticated(refusal: TokenRejection) -> Refused {
    let what = match refusal {
        TokenRejection::Missing => "the request has no token",
        TokenRejection::Invalid(what) => what,
    };
    Refused::new(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        Code::Unauthenticated,
        format!(
            "Send the header Authorization: Bearer <access_token>; {what}. \
             POST /_local/token hands one out."
        ),
    )
}

fn body_refused(status: StatusCode) -> Refused {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Refused::new(
            status,
            "Request Entity Too Large",
            Code::BodyTooLarge,
            format!("Send at most {MAX_BODY} bytes."),
        );
    }
    Refused::invalid(Problem::new(
        Code::ValidationFailed,
        "The body did not arrive in full.",
    ))
}

fn timed_out() -> Refused {
    Refused::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Service Unavailable",
        Code::Unavailable,
        format!(
            "The function did not answer in {} s.",
            INTEGRATION_TIMEOUT.as_secs()
        ),
    )
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
