//! An order for what happens at once: every call to DynamoDB waits until it is let go, one at a time, so
//! that a seed gives the same order again.
//!
//! It takes the place of the SDK's HTTP client. With a runtime of one thread, and with retries of the SDK
//! that do not wait, nothing is left to chance between two calls: a request that was let go on runs until
//! it is answered, or waits for DynamoDB again.

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
use muster_local::Options;
use tokio::sync::{mpsc, oneshot};

use crate::faults::without_token;
use crate::unhurried::unhurried;
use crate::{Fault, Reply, World};

/// Nobody works that long between two calls.
const STUCK: Duration = Duration::from_secs(30);

/// How many worlds there were in this process.
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// Requests under way, and the calls that they wait for.
pub struct Schedule {
    gate: Gate,
    events: mpsc::UnboundedReceiver<Event>,
    held: Vec<(Call, oneshot::Sender<Option<Fault>>)>,
    answered: VecDeque<(usize, Reply)>,
    /// Which invocation is of which request.
    invocations: HashMap<Option<tokio::task::Id>, usize>,
    started: usize,
    is_exact: bool,
}

/// A call that waits to be let go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The request that it is part of, by the number that [`Schedule::start`] gave it.
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
    /// The invocation that makes the call.
    task: Option<tokio::task::Id>,
    operation: String,
    release: oneshot::Sender<Option<Fault>>,
}

/// What stands between the SDK and DynamoDB.
#[derive(Clone)]
struct Gate(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    is_closed: AtomicBool,
    is_forgetful: AtomicBool,
    events: mpsc::UnboundedSender<Event>,
}

impl Schedule {
    /// A world whose functions reach DynamoDB when they are let. At first they always are.
    pub async fn world(mut options: Options) -> (World, Self) {
        let (sender, events) = mpsc::unbounded_channel();
        let gate = Gate(Arc::new(Inner {
            http: reqwest::Client::new(),
            is_closed: AtomicBool::new(false),
            is_forgetful: AtomicBool::new(false),
            events: sender,
        }));
        let (client, inner) = (gate.clone(), options.configure_client.take());
        // The SDK gives up on retries that fail too often in a process. Here, each world counts anew.
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let partition = RetryPartition::new(format!("schedule-{number}"));
        options.configure_client = Some(Arc::new(move |config| {
            let config = inner.as_ref().map_or(config.clone(), |inner| inner(config));
            config
                .http_client(client.clone())
                .retry_partition(partition.clone())
                .sleep_impl(NoSleep)
                // A call that waits is none that has stalled.
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
        (World::with(unhurried(options)).await, schedule)
    }

    /// From now on each call waits to be let go.
    pub fn close(&self) {
        self.gate.0.is_closed.store(true, Ordering::Relaxed);
    }

    /// Nothing waits any more.
    pub fn open(&mut self) {
        assert!(self.held.is_empty(), "there are calls that wait");
        self.gate.0.is_closed.store(false, Ordering::Relaxed);
    }

    /// As [`crate::Faults::forget_tokens`].
    pub fn forget_tokens(&self) {
        self.gate.0.is_forgetful.store(true, Ordering::Relaxed);
    }

    /// The calls that wait, in the order of their coming.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &Call> {
        self.held.iter().map(|(call, _)| call)
    }

    /// Starts a request: its number. It runs until it waits for DynamoDB, or is answered.
    pub async fn start(&mut self, request: impl Future<Output = Reply> + Send + 'static) -> usize {
        let number = self.started;
        self.started += 1;
        let events = self.gate.0.events.clone();
        tokio::spawn(async move {
            let reply = request.await;
            // Nobody listens when the schedule's test has ended.
            let _ = events.send(Event::Answered(number, reply));
        });
        self.settle(number, false).await;
        number
    }

    /// Lets a call go, into this fault. Its request runs on until it waits again, or is answered.
    pub async fn release(&mut self, place: usize, fault: Option<Fault>) {
        let (call, release) = self.held.remove(place);
        release.send(fault).unwrap();
        self.settle(call.request, true).await;
    }

    /// Whether nothing happened but what was let go on: then the same again gives the same again. What
    /// does several things at once, and waits a while before it repeats one of them, is not exact.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The next answer, if there is one.
    pub fn answer(&mut self) -> Option<(usize, Reply)> {
        self.answered.pop_front()
    }

    /// Waits for the one request that is not waiting for DynamoDB.
    async fn settle(&mut self, request: usize, mut is_calling: bool) {
        loop {
            let event = tokio::time::timeout(STUCK, self.events.recv()).await;
            let Ok(event) = event else {
                panic!(
                    "request {request} neither ends nor asks; waiting: {:?}",
                    self.held
                );
            };
            let event = event.expect("the gate is there");
            self.take(request, event, &mut is_calling);
            // What else it does before it waits, it does without waiting.
            for _ in 0..3 {
                tokio::task::yield_now().await;
                while let Ok(event) = self.events.try_recv() {
                    self.take(request, event, &mut is_calling);
                }
            }
            // Of two calls that are waited for at once, one that fails ends the other.
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
                // A new invocation is that of the request that was started.
                let owner = *self.invocations.entry(task).or_insert(request);
                self.is_exact &= owner == request;
                let call = Call {
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
            operation: operation(&request).to_owned(),
            release,
        };
        if self.0.events.send(Event::Arrived(arrival)).is_err() {
            return Err(broken("nobody lets calls go any more"));
        }
        let Ok(fault) = released.await else {
            return Err(broken("nobody lets calls go any more"));
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
        let body = request.body().bytes().unwrap_or_default();
        if let Some((status, answer)) = fault.and_then(|fault| fault.answer(body)) {
            return Ok(response(status, answer.to_string().into_bytes()));
        }
        if fault == Some(Fault::CutBefore) {
            return Err(broken("cut before"));
        }
        let is_forgetful = self.0.is_forgetful.load(Ordering::Relaxed);
        let body = if is_forgetful {
            without_token(body)
        } else {
            body.to_vec().into()
        };
        let mut forwarded = self.0.http.post(request.uri()).body(body);
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
            // Half an answer is no JSON.
            Some(Fault::CutWithin) => answer.truncate(answer.len() / 2),
            _ => {}
        }
        Ok(response(status, answer))
    }
}

fn operation(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.split_once('.').unwrap_or_default().1
}

fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
    let json = "application/x-amz-json-1.0";
    response.headers_mut().insert("content-type", json);
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

/// Waits for nothing.
#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}
