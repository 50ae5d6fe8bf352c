//! Emulates Lambda's Runtime API for a function's process.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The id of every invocation.
pub(super) const INVOCATION_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// The result of an invocation.
#[derive(Debug, PartialEq)]
pub(super) enum InvocationOutcome {
    Response(Value),
    Error(Value),
}

/// Sends events and receives results.
pub(super) struct RuntimeApi {
    /// `127.0.0.1:port`, as Lambda puts it into `AWS_LAMBDA_RUNTIME_API`.
    pub(super) address: String,
    events: UnboundedSender<String>,
    outcomes: UnboundedReceiver<InvocationOutcome>,
    polls: UnboundedReceiver<()>,
    strange: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    events: Arc<tokio::sync::Mutex<UnboundedReceiver<String>>>,
    outcomes: UnboundedSender<InvocationOutcome>,
    polls: UnboundedSender<()>,
    strange: Arc<Mutex<Vec<String>>>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (events, given) = unbounded_channel();
        let (sender, outcomes) = unbounded_channel();
        let (polled, polls) = unbounded_channel();
        let strange = Arc::default();
        let shared = Shared {
            events: Arc::new(tokio::sync::Mutex::new(given)),
            outcomes: sender,
            polls: polled,
            strange: Arc::clone(&strange),
        };
        let invocation = "/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/response"), post(response))
            .route(&format!("{invocation}/{{id}}/error"), post(error))
            .fallback(other)
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            events,
            outcomes,
            polls,
            strange,
        }
    }

    /// Waits until the function requests its next event.
    pub(super) async fn polled(&mut self) {
        self.polls.recv().await.unwrap();
    }

    /// Sends one invocation with this payload.
    pub(super) async fn invoke(&mut self, payload: &Value) -> InvocationOutcome {
        self.events.send(payload.to_string()).unwrap();
        self.outcomes.recv().await.unwrap()
    }

    /// Any other request.
    pub(super) fn strange(&self) -> Vec<String> {
        self.strange.lock().unwrap().clone()
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    let _ = shared.polls.send(());
    let event = shared.events.lock().await.recv().await;
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", INVOCATION_ID),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:Muster",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        ),
    ];
    match event {
        Some(event) => (headers, event).into_response(),
        None => StatusCode::GONE.into_response(),
    }
}

async fn response(State(shared): State<Shared>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).unwrap();
    shared
        .outcomes
        .send(InvocationOutcome::Response(answer))
        .unwrap();
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Shared>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let error = serde_json::from_slice(&body).unwrap();
    shared
        .outcomes
        .send(InvocationOutcome::Error(error))
        .unwrap();
    StatusCode::ACCEPTED
}

async fn other(State(shared): State<Shared>, method: Method, uri: Uri) -> StatusCode {
    shared
        .strange
        .lock()
        .unwrap()
        .push(format!("{method} {uri}"));
    StatusCode::NOT_FOUND
}
