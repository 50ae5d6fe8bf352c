//! Converts a function's response to an HTTP response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResponse {
    status_code: u16,
    headers: Option<Map<String, Value>>,
    multi_value_headers: Option<Map<String, Value>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The response, or `None` if it is invalid: API Gateway returns 500.
pub(crate) fn response(answer: Value) -> Option<Response> {
    if answer.get("statusCode").is_none() {
        // In payload format 2.0, a response without a status is the body.
        return Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(answer.to_string()))
            .ok();
    }
    let answer: FunctionResponse = serde_json::from_value(answer).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(body).ok()?,
        _ => body.into_bytes(),
    };
    let has_body = !body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers.into_iter().flatten() {
        headers.insert(HeaderName::try_from(name).ok()?, header_value(&value)?);
    }
    for (name, values) in answer.multi_value_headers.into_iter().flatten() {
        let name = HeaderName::try_from(name).ok()?;
        for value in values.as_array()? {
            headers.append(&name, header_value(value)?);
        }
    }
    for cookie in answer.cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        headers.insert(header::CONTENT_TYPE, text);
    }
    // The server sets the length.
    headers.remove(header::CONTENT_LENGTH);
    Some(response)
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => HeaderValue::from_str(text).ok(),
        Value::Number(_) | Value::Bool(_) => HeaderValue::try_from(value.to_string()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    async fn body(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    #[tokio::test]
    async fn status_headers_cookies_and_body_come_through() {
        let response = response(json!({
            "statusCode": 201,
            "headers": {"content-type": "application/json", "etag": "\"1\"", "x-count": 3},
            "multiValueHeaders": {"vary": ["a", "b"]},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "{}",
            "isBase64Encoded": false,
        }))
        .unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-count"], "3");
        assert_eq!(response.headers().get_all("vary").iter().count(), 2);
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(body(response).await, b"{}");
    }

    #[tokio::test]
    async fn a_base64_body_is_decoded() {
        let answer = json!({"statusCode": 200, "body": "AP8=", "isBase64Encoded": true});
        assert_eq!(body(response(answer).unwrap()).await, [0, 255]);
    }

    #[tokio::test]
    async fn an_answer_without_status_is_the_body() {
        let response = response(json!({"a": 1})).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(body(response).await, br#"{"a":1}"#);
    }

    #[test]
    fn an_invalid_response_is_none() {
        for answer in [
            json!({"statusCode": "x"}),
            json!({"statusCode": 99_999}),
            json!({"statusCode": 200, "headers": {"a": []}}),
            json!({"statusCode": 200, "headers": {"a\n": "b"}}),
            json!({"statusCode": 200, "body": "?", "isBase64Encoded": true}),
        ] {
            assert!(response(answer.clone()).is_none(), "{answer}");
        }
    }
}
