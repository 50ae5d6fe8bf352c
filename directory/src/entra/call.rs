//! One HTTP call, limited in time and size, and retried if that may help and the time allows it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Request, StatusCode, redirect};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};

use muster::config::SSL_CERT_FILE;
use muster::domain::Clock;
use muster::outbound::{retry_after, roots_of_mozilla};

/// Maximum size of a response body, in bytes. A page of 999 app role assignments has about 600 KB.
pub const MAX_BODY: usize = 4 * 1024 * 1024;
/// Timeout of one attempt. Graph answers within a second; after a longer wait it is better to retry.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of attempts for a call.
const MAX_ATTEMPTS: u32 = 3;
/// First backoff if the server sends no `Retry-After`. It doubles with each retry.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The minimum time that must be left for the response of a retry.
const LEAST_TIME: Duration = Duration::from_millis(30);
/// Idle timeout of a connection. After Lambda froze it for longer, the server has probably closed it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the HTTP client for Entra, Graph and the AWS calls. It is created once, before the first invocation. It
/// follows no redirects, which would carry a token along, and uses no proxy from the environment, like the DynamoDB
/// client.
///
/// Verifies servers against the roots of Mozilla, which are part of the program and are not read at start. If
/// `variable` has an `SSL_CERT_FILE`, uses the roots of the system instead.
pub fn http_client(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut client = Client::builder()
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE_TIMEOUT);
    if variable(SSL_CERT_FILE).is_none_or(|file| file.is_empty()) {
        client = client.tls_backend_preconfigured(roots_of_mozilla()?);
    }
    Ok(client.build()?)
}

/// Makes calls, with retries.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    client: Client,
    clock: Clock,
    timeout: Duration,
}

/// A complete response of any status.
#[derive(Debug)]
pub(super) struct ServiceResponse {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// The time that the server asks to wait before a retry.
    pub(super) retry_after: Option<Duration>,
    pub(super) request_id: Option<String>,
}

/// The reason that there is no response.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// The deadline has passed.
    #[error("the time is up")]
    OutOfTime,
    /// Every attempt exceeded the timeout of one call.
    #[error("took longer than {0:?}")]
    TooSlow(Duration),
    /// The server was not reached, or the connection broke. The URL is removed: it contains the user's object id.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The body is larger than [`MAX_BODY`].
    #[error("an answer of more than {MAX_BODY} bytes")]
    TooLarge,
}

impl Calls {
    pub(super) fn new(client: Client, clock: Clock) -> Self {
        Self {
            client,
            clock,
            timeout: CALL_TIMEOUT,
        }
    }

    pub(super) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Makes the call. Retries after 429, 500, 502, 503, 504, a broken connection or a timeout, as often as the limits
    /// allow. All calls are idempotent: they only read.
    pub(super) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<ServiceResponse, CallError> {
        let mut own_wait = FIRST_WAIT;
        for attempt in 1.. {
            let outcome = self.once(request, deadline).await;
            let wait = match &outcome {
                Ok(answer) if may_pass(answer.status) => {
                    answer.retry_after.unwrap_or_else(|| jittered(own_wait))
                }
                Err(CallError::NoAnswer(_) | CallError::TooSlow(_)) => jittered(own_wait),
                Ok(_) | Err(CallError::OutOfTime | CallError::TooLarge) => return outcome,
            };
            let fits = Instant::now()
                .checked_add(wait.saturating_add(LEAST_TIME))
                .is_some_and(|then| then < deadline);
            if attempt >= MAX_ATTEMPTS || !fits {
                return outcome;
            }
            sleep(wait).await;
            own_wait *= 2;
        }
        Err(CallError::OutOfTime)
    }

    async fn once(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<ServiceResponse, CallError> {
        // These requests have their body in memory, so they can be cloned.
        let request = request.try_clone().ok_or(CallError::OutOfTime)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(CallError::OutOfTime);
        }
        let answer = timeout(left.min(self.timeout), self.answer(request)).await;
        answer.unwrap_or(if left <= self.timeout {
            Err(CallError::OutOfTime)
        } else {
            Err(CallError::TooSlow(self.timeout))
        })
    }

    async fn answer(&self, request: Request) -> Result<ServiceResponse, CallError> {
        let no_answer = |error: reqwest::Error| CallError::NoAnswer(error.without_url());
        let mut response = self.client.execute(request).await.map_err(no_answer)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers();
        Ok(ServiceResponse {
            status: response.status(),
            retry_after: retry_after(headers, self.clock.now()),
            request_id: request_id(headers),
            body,
        })
    }
}

/// Returns whether the status may be different on a retry.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// Returns a random wait between half and all of it, so that many functions do not retry at the same moment.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Returns the id by which the support of Microsoft or Amazon finds the call.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["request-id", "x-ms-request-id", "x-amzn-requestid"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    value.to_str().ok().map(str::to_owned)
}
