//! The event of a function: payload format 2.0, as API Gateway creates it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Version, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::domain::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::route::FoundRoute;
use crate::aws::ACCOUNT;

/// The parts of an event besides the request.
pub(crate) struct Circumstances<'a> {
    pub(crate) found: &'a FoundRoute<'a>,
    /// The formatted claims of the token; `None` on a route without authorizer.
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) request_id: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) source: IpAddr,
}

/// Creates the event. Missing parts of a request are absent, not `null`.
pub(crate) fn event(request: &Parts, body: &[u8], about: Circumstances<'_>) -> Value {
    let Circumstances {
        found,
        claims,
        request_id,
        time,
        source,
    } = about;
    // HTTP APIs percent-decode the path (REST APIs do not).
    let path = percent_decode_str(request.uri.path()).decode_utf8_lossy();
    let host = text(&request.headers, &header::HOST);
    let domain = host
        .rsplit_once(':')
        .map_or(host.as_str(), |(name, _)| name);
    let mut context = json!({
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split('.').next(),
        "http": {
            "method": request.method.as_str(),
            "path": path,
            "protocol": if request.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
            "sourceIp": source.to_string(),
            "userAgent": text(&request.headers, &header::USER_AGENT),
        },
        "requestId": request_id,
        "routeKey": found.route.key(),
        "stage": "$default",
        "time": common_log_time(time),
        "timeEpoch": time.as_millisecond(),
    });
    if let Some(claims) = claims {
        set(
            &mut context,
            "authorizer",
            json!({"jwt": {"claims": claims, "scopes": null}}),
        );
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": found.route.key(),
        "rawPath": path,
        "rawQueryString": request.uri.query().unwrap_or_default(),
        "headers": headers(&request.headers, &host, source),
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let cookies = cookies(&request.headers);
    if !cookies.is_empty() {
        set(&mut event, "cookies", json!(cookies));
    }
    let query = query(request);
    if !query.is_empty() {
        set(&mut event, "queryStringParameters", json!(query));
    }
    if !found.parameters.is_empty() {
        let parameters: BTreeMap<_, _> = found.parameters.iter().cloned().collect();
        set(&mut event, "pathParameters", json!(parameters));
    }
    if !body.is_empty() {
        match std::str::from_utf8(body) {
            Ok(body) if is_text(&text(&request.headers, &header::CONTENT_TYPE)) => {
                set(&mut event, "body", json!(body));
            }
            _ => {
                set(&mut event, "body", json!(STANDARD.encode(body)));
                set(&mut event, "isBase64Encoded", json!(true));
            }
        }
    }
    event
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// All values of a header, joined by commas; `None` if absent.
fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    values.join(",")
}

/// Lower-case names, duplicates joined by commas, cookies separate, plus the gateway's headers.
fn headers(headers: &HeaderMap, host: &str, source: IpAddr) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = headers
        .keys()
        .filter(|name| *name != header::COOKIE)
        .map(|name| (name.as_str().to_owned(), text(headers, name)))
        .collect();
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    let forwarded = all
        .get("x-forwarded-for")
        .map(|before| format!("{before}, {source}"));
    all.insert(
        "x-forwarded-for".to_owned(),
        forwarded.unwrap_or_else(|| source.to_string()),
    );
    all.insert("x-forwarded-port".to_owned(), port.to_owned());
    all.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    all.entry("content-length".to_owned())
        .or_insert_with(|| "0".to_owned());
    all
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter();
    let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let cookies = values.flat_map(|value| {
        value
            .split(';')
            .map(|cookie| cookie.trim().to_owned())
            .collect::<Vec<_>>()
    });
    cookies.filter(|cookie| !cookie.is_empty()).collect()
}

/// Decoded, duplicates joined by commas in order.
fn query(request: &Parts) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    if let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&request.uri) {
        for (name, value) in pairs {
            let so_far = joined.entry(name);
            so_far
                .and_modify(|before| *before = format!("{before},{value}"))
                .or_insert(value);
        }
    }
    joined
}

/// Whether a body of this type is passed as text. Forms are not: API Gateway encodes them.
fn is_text(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.is_empty()
        || essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || [
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&essence.as_str())
}

/// `20/Nov/2026:23:51:36 +0000`.
fn common_log_time(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.as_millisecond())
        .map(|time| time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
