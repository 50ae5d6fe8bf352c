//! Gives DynamoDB a realistic latency: each call takes at least this long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use tokio::time::{Instant, sleep_until};

/// A proxy in front of the embedded one.
pub(crate) struct Slow {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    calls: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Way {
    upstream: String,
    http: reqwest::Client,
    takes: Duration,
    calls: Arc<AtomicUsize>,
}

impl Slow {
    pub(crate) async fn start(upstream: &str, takes: Duration) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let calls = Arc::default();
        let way = Way {
            upstream: upstream.to_owned(),
            http: reqwest::Client::new(),
            takes,
            calls: Arc::clone(&calls),
        };
        let router = Router::new().fallback(forward).with_state(way);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, calls })
    }

    /// Calls since the last time.
    pub(crate) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

async fn forward(State(way): State<Way>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let due = Instant::now() + way.takes;
    way.calls.fetch_add(1, Ordering::Relaxed);
    let sent = way.http.post(&way.upstream).headers(headers).body(body);
    let answer = async {
        let answer = sent.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
    };
    let answer = answer.await;
    sleep_until(due).await;
    let mut response = Response::new(Body::empty());
    match answer {
        Ok((status, headers, body)) => {
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            *response.body_mut() = body.into();
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_GATEWAY,
    }
    response
}
