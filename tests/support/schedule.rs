//! A deterministic order of concurrent calls: each call to DynamoDB waits until it is released, one
//! at a time, so that a seed reproduces the order.
//!
//! It replaces the SDK's HTTP client. With a runtime of one thread and without waits between the
//! SDK's retries, nothing is random between two calls: a released request runs until it has a
//! response, or waits for DynamoDB again.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{
    AsyncSleep, HttpClient, RuntimeComponents, Sleep, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use muster::store::requests::TableRequest;
use muster_local::Options;
use tokio::sync::{mpsc, oneshot};

use crate::faults::forget_token;
use crate::table_response::TableResponse;
use crate::time_limits::without_time_limits;
use crate::{Fault, Reply, World};

/// No request works that long between two calls.
const STUCK: Duration = Duration::from_secs(30);

/// The number of worlds in this process.
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// The running requests and their waiting calls.
pub struct Schedule {
    gate: Gate,
    events: mpsc::UnboundedReceiver<Event>,
    held: Vec<(HeldCall, oneshot::Sender<Option<Fault>>)>,
    answered: VecDeque<(usize, Reply)>,
    /// The request of each invocation.
    invocations: HashMap<Option<tokio::task::Id>, usize>,
    started: usize,
    is_exact: bool,
}

/// A waiting call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeldCall {
    /// The number of its request, from [`Schedule::start`].
    pub request: usize,
    /// `TransactWriteItems`, …
    pub operation: String,
}

enum Event {
    Arrived(Arrival),
    Returned,
    Answered(usize, Reply),
}

struct Arrival {
    /// The invocation of the call.
    task: Option<tokio::task::Id>,
    operation: String,
    release: oneshot::Sender<Option<Fault>>,
}

/// Between the SDK and DynamoDB.
#[derive(Clone)]
struct Gate(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    is_closed: AtomicBool,
    is_forgetful: AtomicBool,
    events: mpsc::UnboundedSender<Event>,
}

impl Schedule {
    /// A world whose functions reach DynamoDB when released. At first every call is released.
    pub async fn world(mut options: Options) -> (World, Self) {
        let (sender, events) = mpsc::unbounded_channel();
        let gate = Gate(Arc::new(Inner {
            http: reqwest::Client::new(),
            is_closed: AtomicBool::new(false),
            is_forgetful: AtomicBool::new(false),
            events: sender,
        }));
        let (client, inner) = (gate.clone(), options.configure_client.take());
        // The SDK stops retrying after too many failures in a process. Here each world counts its
        // own.
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let partition = RetryPartition::new(format!("schedule-{number}"));
        options.configure_client = Some(Arc::new(move |config| {
            let config = inner.as_ref().map_or(config.clone(), |inner| inner(config));
            config
                .http_client(client.clone())
                .retry_partition(partition.clone())
                .sleep_impl(NoSleep)
                // A waiting call has not stalled.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        }));
        let schedule = Self {
            gate,
            events,
            held: Vec::new(),
            answered: VecDeque::new(),
            invocations: HashMap::new(),
            started: 0,
            is_exact: true,
        };
        (World::with(without_time_limits(options)).await, schedule)
    }

    /// From now on each call waits for its release.
    pub fn close(&self) {
        self.gate.0.is_closed.store(true, Ordering::Relaxed);
    }

    /// Releases all calls from now on.
    pub fn open(&mut self) {
        assert!(self.held.is_empty(), "no waiting calls");
        self.gate.0.is_closed.store(false, Ordering::Relaxed);
    }

    /// Like [`crate::Faults::forget_tokens`].
    pub fn forget_tokens(&self) {
        self.gate.0.is_forgetful.store(true, Ordering::Relaxed);
    }

    /// The waiting calls, in order of arrival.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &HeldCall> {
        self.held.iter().map(|(call, _)| call)
    }

    /// Starts a request and returns its number. It runs until it waits for DynamoDB, or has a
    /// response.
    pub async fn start(&mut self, request: impl Future<Output = Reply> + Send + 'static) -> usize {
        let number = self.started;
        self.started += 1;
        let events = self.gate.0.events.clone();
        tokio::spawn(async move {
            let reply = request.await;
            // The receiver is gone when the schedule's test has ended.
            let _ = events.send(Event::Answered(number, reply));
        });
        self.settle(number, false).await;
        number
    }

    /// Releases a call with this fault. Its request runs until it waits again, or has a response.
    pub async fn release(&mut self, place: usize, fault: Option<Fault>) {
        let (call, release) = self.held.remove(place);
        release.send(fault).unwrap();
        self.settle(call.request, true).await;
    }

    /// Whether only released calls ran: then a repetition gives the same result. A request that
    /// makes concurrent calls, and waits before it retries one of them, is not exact.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The next response, if any.
    pub fn answer(&mut self) -> Option<(usize, Reply)> {
        self.answered.pop_front()
    }

    /// Waits for the only request that does not wait for DynamoDB.
    async fn settle(&mut self, request: usize, mut is_calling: bool) {
        loop {
            let event = tokio::time::timeout(STUCK, self.events.recv()).await;
            let Ok(event) = event else {
                panic!(
                    "request {request} neither ends nor calls DynamoDB; waiting: {:?}",
                    self.held
                );
            };
            let event = event.expect("the gate exists");
            self.take(request, event, &mut is_calling);
            // All other work before its next call happens without waiting.
            for _ in 0..3 {
                tokio::task::yield_now().await;
                while let Ok(event) = self.events.try_recv() {
                    self.take(request, event, &mut is_calling);
                }
            }
            // When one of two concurrent calls fails, the other is cancelled.
            self.held.retain(|(_, release)| !release.is_closed());
            let is_answered = self.answered.iter().any(|(number, _)| *number == request);
            let is_held = self.held.iter().any(|(call, _)| call.request == request);
            if is_answered || is_held && !is_calling {
                return;
            }
        }
    }

    fn take(&mut self, request: usize, event: Event, is_calling: &mut bool) {
        match event {
            Event::Arrived(Arrival {
                task,
                operation,
                release,
            }) => {
                // A new invocation belongs to the started request.
                let owner = *self.invocations.entry(task).or_insert(request);
                self.is_exact &= owner == request;
                let call = HeldCall {
                    request: owner,
                    operation,
                };
                self.held.push((call, release));
            }
            Event::Returned => *is_calling = false,
            Event::Answered(number, reply) => self.answered.push_back((number, reply)),
        }
    }
}

impl Gate {
    async fn pass(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        if !self.0.is_closed.load(Ordering::Relaxed) {
            return self.forward(&request, None).await;
        }
        let (release, released) = oneshot::channel();
        let arrival = Arrival {
            task: tokio::task::try_id(),
            operation: TableRequest::of_http(&request).unwrap().operation,
            release,
        };
        if self.0.events.send(Event::Arrived(arrival)).is_err() {
            return Err(broken("the scheduler no longer releases calls"));
        }
        let Ok(fault) = released.await else {
            return Err(broken("the scheduler no longer releases calls"));
        };
        let response = self.forward(&request, fault).await;
        let _ = self.0.events.send(Event::Returned);
        response
    }

    async fn forward(
        &self,
        request: &HttpRequest,
        fault: Option<Fault>,
    ) -> Result<HttpResponse, ConnectorError> {
        let mut decoded = TableRequest::of_http(request).unwrap();
        if let Some(response) = fault.and_then(|fault| fault.response(&decoded)) {
            return Ok(http_response(response.status, response.to_body()));
        }
        if fault == Some(Fault::CutBefore) {
            return Err(broken("cut before"));
        }
        if self.0.is_forgetful.load(Ordering::Relaxed) {
            forget_token(&mut decoded);
        }
        let mut forwarded = self.0.http.post(request.uri()).body(decoded.to_body());
        for (name, value) in request.headers() {
            if name != "content-length" {
                forwarded = forwarded.header(name, value);
            }
        }
        let answer = forwarded.send().await;
        let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
        let status = answer.status().as_u16();
        let answer = answer.bytes().await;
        let mut answer = answer
            .map_err(|error| ConnectorError::io(error.into()))?
            .to_vec();
        match fault {
            Some(Fault::CutAfter) => return Err(broken("cut after")),
            // A partial response is not JSON.
            Some(Fault::CutWithin) => answer.truncate(answer.len() / 2),
            _ => {}
        }
        Ok(http_response(status, answer))
    }
}

fn http_response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
    let headers = response.headers_mut();
    headers.insert("content-type", TableResponse::CONTENT_TYPE);
    response
}

fn broken(how: &'static str) -> ConnectorError {
    ConnectorError::io(how.into())
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gate")
    }
}

impl HttpClient for Gate {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let gate = self.clone();
        HttpConnectorFuture::new(async move { gate.pass(request).await })
    }
}

/// Does not wait.
#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}
