//! An HTTP server that receives webhooks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use muster::domain::WebhookSecret;
use muster_delivery::webhook::signatures;
use tokio::net::TcpListener;

/// A webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, unchanged: the signature is of these bytes.
    pub body: String,
}

impl Received {
    /// A header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

impl Received {
    /// Its signatures must be those of these secrets, in this order.
    #[track_caller]
    pub fn is_signed_with(&self, secrets: &[&str]) {
        let secrets = secrets.iter().map(|it| WebhookSecret::parse(it).unwrap());
        let secrets: Vec<_> = secrets.collect();
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let expected = signatures(&secrets, self.header("webhook-id"), timestamp, &self.body);
        assert_eq!(self.header("webhook-signature"), expected);
    }
}

type Status = Arc<dyn Fn(&Received) -> StatusCode + Send + Sync>;

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    status: Status,
}

/// A receiver on this machine.
pub struct Receiver {
    /// The URL of an endpoint.
    pub url: String,
    shared: Shared,
}

impl Receiver {
    /// Answers 204.
    pub async fn start() -> Self {
        Self::answering(|_| StatusCode::NO_CONTENT).await
    }

    /// Answers with this status.
    pub async fn answering(
        status: impl Fn(&Received) -> StatusCode + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            received: Arc::default(),
            status: Arc::new(status),
        };
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// The webhooks so far, in the order of their arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let received = Received {
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let status = (shared.status)(&received);
    shared.received.lock().unwrap().push(received);
    status
}
