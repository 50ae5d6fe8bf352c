//! One HTTP call: bounded in time and size, repeated when that may help and still fits.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Request, StatusCode, redirect};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};

use super::error::Refusal;
use muster::config::SSL_CERT_FILE;
use muster::domain::{Clock, Timestamp};

/// Most that one answer may weigh, in bytes: a page of 999 app role assignments has about 600 KB.
pub const MAX_BODY: usize = 4 * 1024 * 1024;
/// How long one call may take. Graph answers within a second; what takes longer is better asked anew.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a call is made at most.
const MAX_ATTEMPTS: u32 = 3;
/// First wait before a repeat for which the server names none; the next ones double.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// What a repeat must leave for the answer.
const LEAST_TIME: Duration = Duration::from_millis(30);
/// A connection that Lambda froze longer than this is likely closed on the other side.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP client for Entra, Graph and the AWS calls beside them. Provisioned once, before the first
/// invocation. It follows no redirect, which would carry a token along, and no proxy of the
/// environment, as the DynamoDB client does not either.
///
/// Servers are verified against the roots of Mozilla, which are part of the program and need no reading
/// when it starts; against those of the system when `variable` has an `SSL_CERT_FILE`.
pub fn http_client(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut client = Client::builder()
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE_TIMEOUT);
    if variable(SSL_CERT_FILE).is_none_or(|file| file.is_empty()) {
        client = client.tls_backend_preconfigured(with_roots_of_mozilla()?);
    }
    Ok(client.build()?)
}

fn with_roots_of_mozilla() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots.collect::<rustls::RootCertStore>());
    Ok(config.with_no_client_auth())
}

/// Makes calls.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    client: Client,
    clock: Clock,
    timeout: Duration,
}

/// An answer of any status, complete.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// How long the server wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    request_id: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// The deadline.
    #[error("the time is up")]
    OutOfTime,
    /// The time for one call, again and again.
    #[error("took longer than {0:?}")]
    TooSlow(Duration),
    /// Not reached, or cut off. Without its URL, in which the user's object id stands.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// More than [`MAX_BODY`].
    #[error("an answer of more than {MAX_BODY} bytes")]
    TooLarge,
}

impl Answer {
    /// What may be said of an answer that was a refusal.
    pub(super) fn refusal(&self, code: Option<String>) -> Refusal {
        Refusal::new(self.status.as_u16(), code, self.request_id.clone())
    }
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

    /// Makes the call; again after 429, 502, 503, 504, 500, a broken connection or a slow answer, as
    /// often as it fits. All our calls may be repeated: they only read.
    pub(super) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Answer, CallError> {
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

    async fn once(&self, request: &Request, deadline: Instant) -> Result<Answer, CallError> {
        // A request of ours has its body in memory, so it can be cloned.
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

    async fn answer(&self, request: Request) -> Result<Answer, CallError> {
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
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after(headers, self.clock.now()),
            request_id: request_id(headers),
            body,
        })
    }
}

/// Statuses that may be another the next time.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// Half to all of it, so that many functions do not come back at the same moment.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). What is neither counts as not there.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.as_millisecond().saturating_sub(now.as_millisecond());
    Some(Duration::from_millis(wait.try_into().unwrap_or(0)))
}

/// By which Microsoft's and Amazon's support find the call.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["request-id", "x-ms-request-id", "x-amzn-requestid"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    value.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-20T10:00:00.000Z".parse().unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("Fri, 20 Nov 2026 10:00:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let wait = retry_after(&headers, now);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
