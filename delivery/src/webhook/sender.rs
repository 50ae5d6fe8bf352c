//! Sends a message to an endpoint.

use std::time::Duration;

use muster::config::{SSL_CERT_FILE, SettingError};
use muster::domain::{Clock, WebhookSecret, WebhookTargets, WebhookUrl};
use muster::outbound::{retry_after, roots_of_mozilla};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, redirect};
use tokio::time::{Instant, timeout, timeout_at};

use super::resolver::{Lookup, Resolver};
use super::{Message, SendError};

/// Timeout of a connection: name, TCP and TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of a whole call.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum number of bytes that are read of a response's body. The connection is closed if it has more.
pub const MAX_ANSWER: usize = 64 * 1024;
/// Timeout of reading a response's body. Nothing of it is used; a body that was read lets the connection be used
/// again.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle timeout of a connection. After Lambda froze it for longer, the server has probably closed it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends messages. Connects to public addresses only, follows no redirects, and uses no proxy.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    targets: WebhookTargets,
    call_timeout: Duration,
    clock: Clock,
}

/// How the sender connects to endpoints.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Where to.
    pub targets: WebhookTargets,
    /// The roots that servers are verified against. `None` uses those of the system.
    pub tls: Option<rustls::ClientConfig>,
    /// Looks up names.
    pub lookup: Lookup,
    /// Timeout of a connection: name, TCP and TLS.
    pub connect_timeout: Duration,
    /// Timeout of a whole call.
    pub call_timeout: Duration,
}

impl Connections {
    /// Connects to these targets, verified against the roots of the system.
    pub fn to(targets: WebhookTargets) -> Self {
        Self {
            targets,
            tls: None,
            lookup: Lookup::system(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
        }
    }

    /// Verifies servers against the roots of Mozilla, or with the variable `SSL_CERT_FILE` against those of the system.
    fn read(
        targets: WebhookTargets,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let connections = Self::to(targets);
        if variable(SSL_CERT_FILE).is_some_and(|file| !file.is_empty()) {
            return Ok(connections);
        }
        let tls = roots_of_mozilla().map_err(SettingError::no_client)?;
        Ok(Self {
            tls: Some(tls),
            ..connections
        })
    }
}

/// The response of an endpoint, without its body, which could be that of an internal service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The time until the status.
    pub duration: Duration,
    /// The time that the endpoint asks to wait before a retry.
    pub retry_after: Option<Duration>,
}

impl Sender {
    /// Creates the sender of a function, with an environment variable: `SSL_CERT_FILE` names other roots.
    pub fn read(
        targets: WebhookTargets,
        clock: Clock,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let connections = Connections::read(targets, variable)?;
        Self::new(connections, clock).map_err(SettingError::no_client)
    }

    /// Creates the sender.
    pub fn new(connections: Connections, clock: Clock) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder()
            .user_agent(concat!("muster-webhooks/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(connections.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .dns_resolver(Resolver {
                lookup: connections.lookup,
                targets: connections.targets.clone(),
            });
        if let Some(tls) = connections.tls {
            client = client.tls_backend_preconfigured(tls);
        }
        Ok(Self {
            client: client.build()?,
            targets: connections.targets,
            call_timeout: connections.call_timeout,
            clock,
        })
    }

    /// Sends the message once, signed with every secret.
    pub async fn send(
        &self,
        url: &WebhookUrl,
        message: &Message,
        secrets: &[WebhookSecret],
    ) -> Result<Response, SendError> {
        // The rules may have changed since the endpoint was created. The resolver is not asked about addresses.
        self.targets.check(url).map_err(|_| SendError::RefusedUrl)?;
        let start = Instant::now();
        let mut call = self
            .client
            .post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .body(message.body().to_owned());
        for (name, value) in message.headers(secrets, self.clock.now()) {
            call = call.header(name, value);
        }
        let deadline = start + self.call_timeout;
        let answer = timeout_at(deadline, call.send()).await;
        let answer = answer
            .map_err(|_| SendError::Timeout)?
            .map_err(|error| SendError::of(&error))?;
        let response = Response {
            status: answer.status().as_u16(),
            duration: start.elapsed(),
            retry_after: self.retry_after(answer.headers()),
        };
        let drain = DRAIN_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
        // The status has decided: a body that does not end, or breaks off, changes nothing.
        let _ = timeout(drain, read_some(answer)).await;
        Ok(response)
    }

    fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        retry_after(headers, self.clock.now())
    }
}

/// Reads a body up to [`MAX_ANSWER`]. Closes the connection if there is more.
async fn read_some(mut answer: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read > MAX_ANSWER {
            return;
        }
    }
}
