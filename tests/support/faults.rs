//! A DynamoDB that fails on demand: a proxy in front of the embedded one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use muster_local::Options;
use serde_json::{Value, json};

use crate::World;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// DynamoDB answers that it is throttling.
    Throttle,
    /// A transaction is cancelled because of another one.
    Conflict,
    /// A transaction is cancelled by throttling.
    CancelledByThrottling,
    /// DynamoDB answers with an error of its own.
    Failure(u16),
    /// The request does not get there: the connection ends.
    CutBefore,
    /// The request gets there and is applied; the connection ends before its answer.
    CutAfter,
    /// The answer takes that long.
    Delay(Duration),
}

/// What is to go wrong, in front of the embedded DynamoDB.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    upstream: String,
    next: VecDeque<(String, Fault)>,
    always: Option<(String, Fault)>,
}

impl Faults {
    /// A world whose functions reach DynamoDB through this.
    pub async fn world(mut options: Options) -> (World, Self) {
        let faults = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        options.configure_client = Some(Arc::new(move |config| config.endpoint_url(url.clone())));
        let world = World::with(options).await;
        world
            .stack
            .dynamodb_url()
            .clone_into(&mut faults.0.lock().unwrap().upstream);
        let proxy = Router::new()
            .fallback(forward)
            .with_state((faults.clone(), reqwest::Client::new()));
        tokio::spawn(async move { axum::serve(listener, proxy).await });
        (world, faults)
    }

    /// The next requests of this operation fail so, one after the other.
    pub fn next(&self, operation: &str, faults: &[Fault]) {
        let mut plan = self.0.lock().unwrap();
        plan.next
            .extend(faults.iter().map(|fault| (operation.to_owned(), *fault)));
    }

    /// All requests of this operation fail so, from now on.
    pub fn always(&self, operation: &str, fault: Fault) {
        self.0.lock().unwrap().always = Some((operation.to_owned(), fault));
    }

    /// Nothing fails any more. Tells how many planned faults were left.
    pub fn stop(&self) -> usize {
        let mut plan = self.0.lock().unwrap();
        plan.always = None;
        std::mem::take(&mut plan.next).len()
    }

    fn take(&self, operation: &str) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap();
        if let Some((always, fault)) = &plan.always
            && always == operation
        {
            return Some(*fault);
        }
        let place = plan.next.iter().position(|(next, _)| next == operation)?;
        plan.next.remove(place).map(|(_, fault)| fault)
    }

    fn upstream(&self) -> String {
        self.0.lock().unwrap().upstream.clone()
    }
}

async fn forward(
    State((faults, http)): State<(Faults, reqwest::Client)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let (_, operation) = target.split_once('.').unwrap();
    let fault = faults.take(operation);
    match fault {
        Some(Fault::Throttle) => return error(400, "ThrottlingException", &Value::Null),
        Some(Fault::Failure(status)) => return error(status, "InternalServerError", &Value::Null),
        Some(Fault::Conflict) => return cancelled(&body, "TransactionConflict"),
        Some(Fault::CancelledByThrottling) => return cancelled(&body, "ThrottlingError"),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Delay(while_)) => tokio::time::sleep(while_).await,
        Some(Fault::CutAfter) | None => {}
    }
    let mut forwarded = http.post(faults.upstream()).body(body);
    for (name, value) in &headers {
        if name != "host" && name != "content-length" {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.send().await.unwrap();
    if fault == Some(Fault::CutAfter) {
        return cut();
    }
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}

/// A body that breaks off: the client sees the connection end.
fn cut() -> Response<Body> {
    let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::new(Body::from_stream(broken))
}

fn cancelled(request: &[u8], reason: &str) -> Response<Body> {
    let request: Value = serde_json::from_slice(request).unwrap();
    let mut reasons =
        vec![json!({"Code": "None"}); request["TransactItems"].as_array().unwrap().len()];
    reasons[0] = json!({"Code": reason, "Message": reason});
    error(400, "TransactionCanceledException", &json!(reasons))
}

fn error(status: u16, kind: &str, reasons: &Value) -> Response<Body> {
    let mut body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
        "message": kind,
        "Message": kind,
    });
    if !reasons.is_null() {
        body["CancellationReasons"] = reasons.clone();
    }
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let json = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert("content-type", json);
    response
}
