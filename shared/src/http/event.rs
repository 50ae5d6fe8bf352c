//! Reads the events of API Gateway: payload format 2.0 of HTTP APIs, and 1.0 of REST APIs.
//!
//! `lambda_http` makes a request from an event, and panics on some events. It unwraps the URL made from `Host`,
//! `X-Forwarded-Proto` and the path, the URI made from that and the query, and the decoded body. It also indexes into
//! the values of a query parameter. Muster does not use that URL, so its parts are removed from the event. The model of
//! `lambda_http` is also stricter than what clients, emulators and handwritten events send: one header with an
//! umlaut, or one `null`, fails the whole event. Such an event is read field by field, and an invalid field counts as
//! absent.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayProxyRequest, ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest,
};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::header::HOST;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::LambdaRequest;
use serde::de::Error as _;
use serde_json::{Map, Value};

/// The key of the claims in the authorizer of a REST API. Claims that are not all strings are stored under it too.
pub(super) const CLAIMS: &str = "claims";
/// Maximum length of a host with its port, in bytes.
const MAX_HOST_BYTES: usize = 260;
/// Maximum length of a path, in bytes. API Gateway accepts 10,240 bytes of request line and headers.
const MAX_PATH_BYTES: usize = 8 * 1024;
/// Maximum length of a query, in bytes. A byte may become three in a URI, which must stay below 64 KiB with its path.
const MAX_QUERY_BYTES: usize = 12 * 1024;

/// Reads an event so that `lambda_http` can make a request from it. Fails if it is not an event of API Gateway.
pub fn read_event(event: &str) -> Result<LambdaRequest, serde_json::Error> {
    if let Ok(mut request) = serde_json::from_str::<ApiGatewayV2httpRequest>(event) {
        if let Some(authorizer) = &mut request.request_context.authorizer {
            // The fields that a Lambda authorizer returns are not claims.
            authorizer.fields.clear();
        }
        if let Some(request) = guard_v2(request) {
            return Ok(LambdaRequest::ApiGatewayV2(request));
        }
    }
    if let Ok(request) = serde_json::from_str::<ApiGatewayProxyRequest>(event)
        && let Some(request) = guard_v1(request)
    {
        return Ok(LambdaRequest::ApiGatewayV1(request));
    }
    let event: Value = serde_json::from_str(event)?;
    let lenient = || {
        if event.get("routeKey").is_some() {
            return Some(LambdaRequest::ApiGatewayV2(guard_v2(read_v2(&event)?)?));
        }
        Some(LambdaRequest::ApiGatewayV1(guard_v1(read_v1(&event)?)?))
    };
    lenient().ok_or_else(|| {
        serde_json::Error::custom(
            "not an event of API Gateway: it needs a routeKey, or an httpMethod and a resource, and a path and a query \
             that are not longer than API Gateway takes",
        )
    })
}

/// Removes what the conversion of the event could panic on. Returns `None` if that is not possible.
fn guard_v2(mut event: ApiGatewayV2httpRequest) -> Option<ApiGatewayV2httpRequest> {
    let context = &mut event.request_context;
    context.route_key = Some(event.route_key.take().or(context.route_key.take())?);
    context.domain_name = None;
    context.stage = None;
    let host = event.headers.remove(HOST);
    keep_host(&mut event.headers, host);
    event.raw_path = Some(path(event.raw_path)?);
    if let Some(query) = event.raw_query_string.take().filter(|it| !it.is_empty()) {
        let Ok(query) = query.parse();
        event.query_string_parameters = query;
    }
    let is_encoded = event.is_base64_encoded;
    event.is_base64_encoded = is_encoded && is_base64(event.body.as_deref());
    has_values(&event.query_string_parameters).then_some(event)
}

/// Does the same for an event of a REST API.
fn guard_v1(mut event: ApiGatewayProxyRequest) -> Option<ApiGatewayProxyRequest> {
    let context = &mut event.request_context;
    context.http_method = event.http_method.clone();
    context.resource_path = Some(event.resource.take().or(context.resource_path.take())?);
    context.domain_name = None;
    context.stage = None;
    if !event.multi_value_headers.is_empty() {
        // They have only the last value of each header, which would replace all values.
        event.headers.clear();
    }
    let host = event.headers.remove(HOST);
    let host = event.multi_value_headers.remove(HOST).or(host);
    keep_host(&mut event.headers, host.clone());
    if !event.multi_value_headers.is_empty() {
        keep_host(&mut event.multi_value_headers, host);
    }
    event.path = Some(path(event.path)?);
    let is_encoded = event.is_base64_encoded;
    event.is_base64_encoded = is_encoded && is_base64(event.body.as_deref());
    let queries = [
        &event.multi_value_query_string_parameters,
        &event.query_string_parameters,
    ];
    let fits = |query: &QueryMap| {
        let bytes = query
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2);
        bytes.sum::<usize>() <= MAX_QUERY_BYTES
    };
    let are_safe = queries.iter().all(|query| has_values(query) && fits(query));
    are_safe.then_some(event)
}

/// The header that names the host of the API for [`ApiRequest::origin_url`](super::ApiRequest::origin_url).
pub(super) const KEPT_HOST: &str = "x-muster-host";

/// Keeps a host that is one under a name that the conversion does not read.
fn keep_host(headers: &mut HeaderMap, host: Option<HeaderValue>) {
    headers.remove(KEPT_HOST);
    let is_host = |text: &str| {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
        !text.is_empty() && text.len() <= MAX_HOST_BYTES && text.bytes().all(is_safe)
    };
    if let Some(host) = host.filter(|host| host.to_str().is_ok_and(is_host)) {
        // More headers than fit cannot come through API Gateway.
        let _ = headers.try_insert(KEPT_HOST, host);
    }
}

/// Returns a path that forms a URL with any host.
fn path(path: Option<String>) -> Option<String> {
    let path = path.unwrap_or_default();
    if path.len() > MAX_PATH_BYTES {
        return None;
    }
    Some(if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    })
}

/// Returns whether each parameter has a value. Otherwise [`QueryMap::iter`] panics.
fn has_values(query: &QueryMap) -> bool {
    if query.is_empty() {
        return true;
    }
    let values = serde_json::to_value(query);
    let values = values.as_ref().ok().and_then(Value::as_object);
    let mut values = values.into_iter().flat_map(Map::values);
    values.all(|values| values.as_array().is_some_and(|values| !values.is_empty()))
}

/// Returns whether a body is valid Base64, as its flag says. If not, it is used as it is. No JSON object is valid
/// Base64.
fn is_base64(body: Option<&str>) -> bool {
    STANDARD.decode(body.unwrap_or_default()).is_ok()
}

/// Reads the used fields of payload format 2.0, as far as possible.
fn read_v2(event: &Value) -> Option<ApiGatewayV2httpRequest> {
    let mut read = ApiGatewayV2httpRequest::default();
    read.route_key = Some(text(event, "/routeKey")?);
    read.raw_path = text(event, "/rawPath");
    read.raw_query_string = text(event, "/rawQueryString");
    read.headers = headers(event, "/headers");
    read.query_string_parameters = values(event, "/queryStringParameters").into();
    read.path_parameters = texts(event, "/pathParameters");
    read.body = text(event, "/body");
    read.is_base64_encoded = is_true(event, "/isBase64Encoded");
    read.request_context.request_id = text(event, "/requestContext/requestId");
    read.request_context.authorizer =
        Some(authorizer(event, "/requestContext/authorizer/jwt/claims"));
    Some(read)
}

/// Does the same for payload format 1.0.
fn read_v1(event: &Value) -> Option<ApiGatewayProxyRequest> {
    let mut read = ApiGatewayProxyRequest::default();
    read.http_method = text(event, "/httpMethod")?.parse().ok()?;
    read.resource = Some(text(event, "/resource")?);
    read.path = text(event, "/path");
    read.headers = headers(event, "/headers");
    read.multi_value_headers = headers(event, "/multiValueHeaders");
    read.query_string_parameters = values(event, "/queryStringParameters").into();
    read.multi_value_query_string_parameters =
        values(event, "/multiValueQueryStringParameters").into();
    read.path_parameters = texts(event, "/pathParameters");
    read.body = text(event, "/body");
    read.is_base64_encoded = is_true(event, "/isBase64Encoded");
    read.request_context.request_id = text(event, "/requestContext/requestId");
    read.request_context.authorizer = authorizer(event, "/requestContext/authorizer/claims");
    Some(read)
}

fn text(event: &Value, pointer: &str) -> Option<String> {
    event.pointer(pointer)?.as_str().map(str::to_owned)
}

fn is_true(event: &Value, pointer: &str) -> bool {
    event.pointer(pointer) == Some(&Value::Bool(true))
}

/// Returns the strings of each name. Omits `null` and values that are not strings.
fn values(event: &Value, pointer: &str) -> HashMap<String, Vec<String>> {
    let members = event.pointer(pointer).and_then(Value::as_object);
    let values = members.into_iter().flatten().map(|(name, value)| {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let texts = values.iter().filter_map(Value::as_str).map(str::to_owned);
        (name.clone(), texts.collect::<Vec<_>>())
    });
    values.filter(|(_, values)| !values.is_empty()).collect()
}

fn texts(event: &Value, pointer: &str) -> HashMap<String, String> {
    let values = values(event, pointer).into_iter();
    values
        .filter_map(|(name, values)| Some((name, values.into_iter().next()?)))
        .collect()
}

/// Returns the headers by name. Replaces control characters with U+FFFD, which is never mistaken for another character.
fn headers(event: &Value, pointer: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in values(event, pointer) {
        let Ok(name) = HeaderName::try_from(name) else {
            continue;
        };
        for value in values {
            let value = value.replace(|it: char| it.is_ascii_control() && it != '\t', "\u{fffd}");
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                // More headers than fit cannot come through API Gateway.
                let _ = headers.try_append(&name, value);
            }
        }
    }
    headers
}

/// Returns an authorizer with the claims at the key of a REST API.
fn authorizer(event: &Value, claims: &str) -> ApiGatewayRequestAuthorizer {
    let mut authorizer = ApiGatewayRequestAuthorizer::default();
    if let Some(claims) = event.pointer(claims) {
        authorizer.fields.insert(CLAIMS.to_owned(), claims.clone());
    }
    authorizer
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
