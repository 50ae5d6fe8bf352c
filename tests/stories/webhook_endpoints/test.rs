//! Testing an endpoint.

use axum::http::StatusCode;
use serde_json::{Value, json};
use support::{Receiver, World};
use tokio::net::TcpListener;

use super::{all_events, endpoint};

/// The result of a test, without its duration.
fn result(body: &Value) -> (Value, Value) {
    assert!(body["duration_ms"].as_u64().is_some(), "{body}");
    (body["status"].clone(), body["error"].clone())
}

#[tokio::test]
async fn a_test_sends_a_signed_message_and_returns_the_status() {
    let world = World::start().await;
    let root = world.tenant_admin();
    for status in [200, 301, 404, 410, 500] {
        let code = StatusCode::from_u16(status).unwrap();
        let receiver = Receiver::answering(move |_| code).await;
        let (path, secret) = endpoint(&world, all_events(&receiver.url)).await;
        // Disabled endpoints can be tested too.
        root.patch(&path, json!({"status": "disabled"}))
            .await
            .expect(200);
        let tested = root.post_empty(&format!("{path}/test")).await.expect(200);
        assert_eq!(result(&tested.body), (json!(status), Value::Null));
        let [message] = &receiver.received()[..] else {
            panic!("one message")
        };
        message.is_signed_with(&[&secret]);
        let body: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(body["type"], "webhook.test");
        assert_eq!(body["data"]["id"], message.header("webhook-id"));
        assert!(path.ends_with(body["data"]["endpoint_id"].as_str().unwrap()));
        // A test says nothing about the endpoint.
        let shown = root.get(&path).await.expect(200).body;
        assert_eq!(shown["status"], "disabled");
        assert_eq!(shown["last_failure_at"], Value::Null);
    }
}

#[tokio::test]
async fn a_test_without_a_response_returns_why() {
    let world = World::start().await;
    let root = world.tenant_admin();
    // No server listens on port 1.
    let (path, _) = endpoint(&world, all_events("http://127.0.0.1:1/")).await;
    let tested = root.post_empty(&format!("{path}/test")).await.expect(200);
    assert_eq!(result(&tested.body), (Value::Null, json!("connect")));
}

/// The call takes longer than other requests may.
#[tokio::test]
async fn a_test_of_an_endpoint_that_hangs_returns_timeout() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let (path, _) = endpoint(&world, all_events(&url)).await;
    let tested = root.post_empty(&format!("{path}/test")).await.expect(200);
    assert_eq!(result(&tested.body), (Value::Null, json!("timeout")));
}

#[tokio::test]
async fn a_repeated_test_with_one_key_sends_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let receiver = Receiver::start().await;
    let (path, _) = endpoint(&world, all_events(&receiver.url)).await;
    let test = format!("{path}/test");
    let first = root.post_once(&test, "k", json!({})).await.expect(200);
    let second = root.post_once(&test, "k", json!({})).await.expect(200);
    assert_eq!(first.body, second.body);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(receiver.received().len(), 1);
}
