//! A server that answers each connection with bytes as given, and the sender of the tests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster::domain::{Clock, Timestamp, WebhookSecret, WebhookTargets, WebhookUrl};
use muster_delivery::webhook::{Connections, Message, Response, SendError, Sender};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// 2026-11-20T10:00:00Z.
const NOW: i64 = 1_795_168_800_000;

/// The server's response to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Writes this text after the request, and closes.
    Text(String),
    /// Writes this text after the request, and keeps the connection open.
    KeepOpen(String),
    /// Writes this text and then bytes without an end.
    Endless(&'static str),
    /// Writes one byte of this text every 50 ms.
    Dripping(&'static str),
    /// Reads the request and does nothing.
    Silence,
    /// Closes at once.
    Close,
}

impl Reply {
    /// A response with this status and no body.
    pub(crate) fn status(status: u16) -> Self {
        Self::with_header(status, "")
    }

    pub(crate) fn with_header(status: u16, header: &str) -> Self {
        Self::Text(format!(
            "HTTP/1.1 {status} Any\r\n{header}content-length: 0\r\n\r\n"
        ))
    }
}

/// A server on this machine.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
            written: Arc::default(),
        };
        let (requests, connections, written) = (
            server.requests.clone(),
            server.connections.clone(),
            server.written.clone(),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (reply, requests, written) = (reply.clone(), requests.clone(), written.clone());
                tokio::spawn(async move { answer(stream, &reply, &requests, &written).await });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The requests, with headers and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The number of bytes that the network took.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

/// Reads requests and answers each, until the connection is closed.
pub(crate) async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: &Reply,
    requests: &Mutex<Vec<String>>,
    written: &AtomicUsize,
) -> Option<()> {
    if matches!(reply, Reply::Close) {
        return None;
    }
    loop {
        let request = read_request(&mut stream).await?;
        requests.lock().unwrap().push(request);
        match reply {
            Reply::Close => return None,
            Reply::Silence => {
                sleep(Duration::from_mins(1)).await;
            }
            Reply::Text(text) => {
                stream.write_all(text.as_bytes()).await.ok()?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Reply::KeepOpen(text) => stream.write_all(text.as_bytes()).await.ok()?,
            Reply::Endless(text) => {
                stream.write_all(text.as_bytes()).await.ok()?;
                loop {
                    let bytes = stream.write(&vec![b'x'; 65_536]).await.ok()?;
                    written.fetch_add(bytes, Ordering::SeqCst);
                }
            }
            Reply::Dripping(text) => {
                for byte in text.bytes() {
                    stream.write_all(&[byte]).await.ok()?;
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let mut buffer = [0; 4_096];
        let bytes = stream.read(&mut buffer).await.ok()?;
        read.extend_from_slice(buffer.get(..bytes)?);
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                (name == "content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        if bytes == 0 {
            return None;
        }
    }
}

/// Connects to this machine too, and gives up sooner.
pub(crate) fn connections() -> Connections {
    Connections {
        connect_timeout: Duration::from_millis(400),
        call_timeout: Duration::from_millis(600),
        ..Connections::to(WebhookTargets::default().with_loopback())
    }
}

pub(crate) fn sender(connections: Connections) -> Sender {
    let now = Timestamp::from_millisecond(NOW).unwrap();
    let clock = Clock::system();
    let clock = Clock::from_fn(move || (now, clock.new_id()));
    Sender::new(connections, clock).unwrap()
}

pub(crate) fn message() -> Message {
    let record = RawValue::from_string(r#"{"id":"e1"}"#.to_owned()).unwrap();
    let occurred_at = Timestamp::from_millisecond(NOW - 1_000).unwrap();
    Message::new("e1", "team.created", occurred_at, &record).unwrap()
}

pub(crate) fn secret() -> WebhookSecret {
    WebhookSecret::from_bytes((0..32).collect()).unwrap()
}

pub(crate) async fn send(sender: &Sender, url: &str) -> Result<Response, SendError> {
    let url = WebhookUrl::try_from(url.to_owned()).unwrap();
    sender.send(&url, &message(), &[secret()]).await
}
