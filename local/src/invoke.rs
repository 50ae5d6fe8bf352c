//! The Lambda Invoke API, `POST /2015-03-31/functions/{name}/invocations`, for the AWS CLI, an SDK
//! or a local Cognito.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::domain::Clock;
use serde_json::{Value, json};

use crate::lambda::{Lambda, arn};

/// Invokes a function by its logical id, the name of its binary, or an ARN of either.
pub(crate) async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    let request_id = Clock::system().new_id().to_string();
    let mut response = answer(lambda, &name, &headers, &payload, &request_id).await;
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn answer(
    lambda: Arc<Lambda>,
    name: &str,
    headers: &HeaderMap,
    payload: &[u8],
    request_id: &str,
) -> Response {
    let name = function_name(name);
    let Some(deployed) = lambda.find(name).cloned() else {
        let message = format!("Function not found: {}", arn(name));
        return refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    };
    let event = match payload {
        [] => json!({}),
        payload => match serde_json::from_slice(payload) {
            Ok(event) => event,
            Err(problem) => {
                let message = format!("Could not parse request body into json: {problem}");
                return refusal(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestContentException",
                    &message,
                );
            }
        },
    };
    let kind = headers
        .get("x-amz-invocation-type")
        .map(HeaderValue::as_bytes);
    match kind {
        None | Some(b"RequestResponse") => {
            let (error, answer) = match lambda.invoke(&deployed, event, request_id).await {
                Ok(answer) => (false, answer),
                Err(diagnostic) => (true, json!(diagnostic)),
            };
            let mut response = answered(&answer, error);
            if headers
                .get("x-amz-log-type")
                .is_some_and(|kind| kind == "Tail")
            {
                let log = STANDARD.encode(lambda.log_of(request_id));
                if let Ok(log) = HeaderValue::from_str(&log) {
                    response.headers_mut().insert("x-amz-log-result", log);
                }
            }
            response
        }
        Some(b"Event") => {
            let request_id = request_id.to_owned();
            tokio::spawn(async move {
                // The response is not needed; a failure is logged on the terminal.
                let _ = lambda.invoke(&deployed, event, &request_id).await;
            });
            StatusCode::ACCEPTED.into_response()
        }
        Some(b"DryRun") => StatusCode::NO_CONTENT.into_response(),
        Some(_) => refusal(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            "X-Amz-Invocation-Type must be RequestResponse, Event or DryRun",
        ),
    }
}

/// `arn:aws:lambda:region:account:function:name:qualifier`, `account:function:name`,
/// `name:qualifier` and `name` all name `name`.
fn function_name(given: &str) -> &str {
    let name = given
        .split_once("function:")
        .map_or(given, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn answered(answer: &Value, error: bool) -> Response {
    let json = [
        (header::CONTENT_TYPE, "application/json"),
        (EXECUTED_VERSION, "$LATEST"),
    ];
    let mut response = (json, answer.to_string()).into_response();
    if error {
        let unhandled = HeaderValue::from_static("Unhandled");
        response
            .headers_mut()
            .insert("x-amz-function-error", unhandled);
    }
    response
}

const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

fn refusal(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (ERROR_TYPE, kind),
    ];
    let body = json!({"Type": "User", "Message": message, "message": message});
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::function_name;

    #[test]
    fn function_names_and_arns_are_resolved() {
        for given in [
            "Sync",
            "Sync:$LATEST",
            "000000000000:function:Sync",
            "arn:aws:lambda:eu-central-1:000000000000:function:Sync",
            "arn:aws:lambda:eu-central-1:000000000000:function:Sync:live",
        ] {
            assert_eq!(function_name(given), "Sync", "{given}");
        }
    }
}
