//! The API over HTTP, with handlers of the test.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{Handler, Options, Stack};

async fn stack(echo: Handler) -> Stack {
    let template = include_str!("../template/example.yaml").to_owned();
    let handlers = [("echo".to_owned(), echo)].into();
    Stack::start(Options {
        template,
        handlers,
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Responds with the event and the context it got.
fn echo() -> Handler {
    Handler::new(|event, context| async move {
        let body = json!({
            "event": event,
            "request_id": context.request_id,
            "arn": context.invoked_function_arn,
            "left": context.deadline().elapsed().is_err(),
        });
        Ok(json!({
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "body": body.to_string(),
        }))
    })
}

async fn send(stack: &Stack, method: Method, path: &str, body: Vec<u8>) -> Response {
    let token = stack.token("ada", "acme", &["tenant-admins", "b"]).unwrap();
    let request = reqwest::Client::new().request(method, format!("{}{path}", stack.url()));
    request.bearer_auth(token).body(body).send().await.unwrap()
}

async fn get(stack: &Stack, path: &str) -> Response {
    send(stack, Method::GET, path, Vec::new()).await
}

/// Status, code and API Gateway's message of an error.
async fn refusal(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}

fn expected(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

#[tokio::test]
async fn a_request_is_one_invocation_with_event_and_context() {
    let stack = stack(echo()).await;
    let response = send(&stack, Method::PUT, "/echo/a%7Cb?q=1", b"{}".to_vec()).await;
    assert_eq!(response.status(), 200);
    let id = response.headers()["apigw-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["event"]["routeKey"], "PUT /echo/{id}");
    assert_eq!(seen["event"]["pathParameters"]["id"], "a|b");
    let claims = &seen["event"]["requestContext"]["authorizer"]["jwt"]["claims"];
    assert_eq!(claims["cognito:groups"], "[tenant-admins b]");
    assert_eq!(
        (&claims["sub"], &claims["tenant_id"]),
        (&json!("ada"), &json!("acme"))
    );
    assert_eq!(
        (
            &seen["request_id"],
            &seen["event"]["requestContext"]["requestId"]
        ),
        (&json!(id), &json!(id))
    );
    assert_eq!(
        seen["arn"],
        "arn:aws:lambda:local:000000000000:function:Echo"
    );
    assert_eq!(seen["left"], true, "the deadline lies ahead");
    stack.stop().await;
}

#[tokio::test]
async fn without_a_token_only_open_routes_answer() {
    let stack = stack(echo()).await;
    let open = reqwest::get(format!("{}/open", stack.url())).await.unwrap();
    let seen: Value = open.json().await.unwrap();
    assert!(seen["event"]["requestContext"].get("authorizer").is_none());
    let closed = reqwest::get(format!("{}/echo/1", stack.url()))
        .await
        .unwrap();
    assert_eq!(closed.headers()["www-authenticate"], "Bearer");
    assert_eq!(
        refusal(closed).await,
        expected(401, "unauthenticated", "Unauthorized")
    );
}

#[tokio::test]
async fn a_token_of_another_stack_is_rejected() {
    let (one, other) = (stack(echo()).await, stack(echo()).await);
    let token = other.token("ada", "acme", &[]).unwrap();
    let request = reqwest::Client::new().get(format!("{}/echo/1", one.url()));
    assert_eq!(
        request.bearer_auth(token).send().await.unwrap().status(),
        401
    );
}

#[tokio::test]
async fn unknown_routes_return_404_for_every_method() {
    let stack = stack(echo()).await;
    for (method, path) in [
        (Method::GET, "/nowhere"),
        (Method::DELETE, "/echo/1"),
        (Method::POST, "/"),
        (Method::GET, "/_local/token"),
        (Method::GET, "/_local/nothing"),
    ] {
        let response = send(&stack, method, path, Vec::new()).await;
        assert_eq!(
            refusal(response).await,
            expected(404, "not-found", "Not Found")
        );
    }
}

#[tokio::test]
async fn too_large_requests_are_rejected() {
    let stack = stack(echo()).await;
    let body = vec![b'a'; super::MAX_BODY + 1];
    let response = send(&stack, Method::PUT, "/echo/1", body).await;
    let too_large = expected(413, "body-too-large", "Request Entity Too Large");
    assert_eq!(refusal(response).await, too_large);
    let response = get(&stack, &format!("/echo/{}", "a".repeat(super::MAX_HEAD))).await;
    assert_eq!(response.status(), 431);
    let response = get(&stack, &format!("/echo/{}", "a".repeat(5_000))).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_failed_function_returns_no_details() {
    let secret = "table-7 broke";
    for echo in [
        Handler::new(move |_, _| async move { Err(secret.into()) }),
        Handler::new(|_, _| async move { panic!("table-7 broke") }),
        Handler::new(|_, _| async move { Ok(json!({"statusCode": "table-7"})) }),
    ] {
        let stack = stack(echo).await;
        let response = get(&stack, "/echo/1").await;
        assert_eq!(
            refusal(response).await,
            expected(500, "internal", "Internal Server Error")
        );
        let body = get(&stack, "/echo/1").await.text().await.unwrap();
        assert!(!body.contains("table-7"), "{body}");
    }
}

#[tokio::test]
async fn a_function_that_takes_longer_than_its_time_out_failed() {
    let mut template = crate::template::read(include_str!("../template/example.yaml")).unwrap();
    template.functions[0].timeout = Duration::from_millis(20);
    let forever = Handler::new(|_, _| std::future::pending());
    let handlers = [("echo".to_owned(), forever)].into();
    let options = Options {
        handlers,
        ..Options::default()
    };
    let client = crate::dynamodb::client(
        "http://127.0.0.1:1",
        |_| None,
        None,
        &std::sync::Arc::default(),
    )
    .unwrap();
    let services = crate::services::Services::new(
        &template,
        "http://127.0.0.1:3000",
        crate::ServiceFaults::default(),
    );
    let lambda = crate::lambda::Lambda::new(&template, &options, &client, "t", &services).unwrap();
    let echo = lambda.find("Echo").unwrap();
    let error = lambda.invoke(echo, Value::Null, "r-1").await.unwrap_err();
    assert_eq!(error.error_type, "Sandbox.Timedout");
    assert_eq!(
        error.error_message,
        "RequestId: r-1 Error: Task timed out after 0.02 seconds"
    );
}
