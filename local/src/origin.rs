//! Rejects requests of foreign web pages. The stack issues tokens without authentication and may
//! use a table of the developer's; a browser would let any open page send it requests.

use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use muster::domain::Clock;
use muster::http::Code;

use crate::problem::Refused;

/// Host names of this machine, the last one from within a container.
const OWN_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "host.docker.internal"];

/// Rejects requests of pages of another host, which browsers name in `Origin`.
pub(crate) async fn only_own_pages(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let is_own = |origin: &str| {
        origin
            .parse::<Uri>()
            .is_ok_and(|uri| is_own_name(uri.host()))
    };
    if origin.is_some_and(|origin| !origin.to_str().is_ok_and(is_own)) {
        return refused(
            &request,
            "The local stack takes requests of pages from localhost only.",
        );
    }
    next.run(request).await
}

/// Rejects requests to another host name: a page can make its own name resolve to this machine.
pub(crate) async fn only_own_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let is_own = |host: &str| host.parse::<Uri>().is_ok_and(|uri| is_own_name(uri.host()));
    if host.is_some_and(|host| !host.to_str().is_ok_and(is_own)) {
        return refused(&request, "Call the local stack by the name localhost.");
    }
    next.run(request).await
}

fn refused(request: &Request, what_to_do: &str) -> Response {
    let refused = Refused::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Code::Forbidden,
        what_to_do,
    );
    let request_id = Clock::system().new_id().to_string();
    refused.into_response(request.uri().path(), &request_id)
}

fn is_own_name(host: Option<&str>) -> bool {
    host.is_some_and(|host| OWN_NAMES.contains(&host))
}
