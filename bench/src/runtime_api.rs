//! Emulates Lambda's Runtime API with plain sockets and threads, so that nearly all measured time
//! is the function's. One function per instance, one invocation at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Longer than any measurement.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends events and receives results.
pub(crate) struct RuntimeApi {
    /// `127.0.0.1:port`, as Lambda puts it into `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    events: Sender<Vec<u8>>,
    seen: Receiver<Seen>,
}

/// An action of the function.
enum Seen {
    /// It polled for an event.
    Polled(Instant),
    /// It sent a response or an error.
    Answered(Instant, bool, Vec<u8>),
}

/// Shared by all connections.
struct Shared {
    events: Mutex<Receiver<Vec<u8>>>,
    seen: Sender<Seen>,
}

impl RuntimeApi {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (events, given) = channel();
        let (sender, seen) = channel();
        let shared = Arc::new(Shared {
            events: Mutex::new(given),
            seen: sender,
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // Ends when the function has exited.
                std::thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        Ok(Self {
            address,
            events,
            seen,
        })
    }

    /// The time of the function's first poll.
    pub(crate) fn polled(&self) -> Result<Instant> {
        match self.seen.recv_timeout(PATIENCE)? {
            Seen::Polled(at) => Ok(at),
            Seen::Answered(..) => bail!("a response without an event"),
        }
    }

    /// Sends one invocation to a polling function. Returns its response and the duration, after the
    /// function has polled again.
    pub(crate) fn invoke(&self, event: Vec<u8>) -> Result<(Duration, Vec<u8>)> {
        let started = Instant::now();
        self.events.send(event)?;
        let mut answer = None;
        loop {
            match self.seen.recv_timeout(PATIENCE)? {
                Seen::Answered(at, true, body) => answer = Some((at - started, body)),
                Seen::Answered(_, false, body) => bail!("{}", String::from_utf8_lossy(&body)),
                Seen::Polled(_) => return answer.context("no response to an event"),
            }
        }
    }
}

/// Handles the requests of one connection.
fn serve(stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let at = Instant::now();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if line.contains("/invocation/next") {
            shared.seen.send(Seen::Polled(at))?;
            let events = shared.events.lock();
            let event = events.ok().context("another thread failed")?.recv()?;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                 lambda-runtime-deadline-ms: 4102444800000\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:x\r\n\
                 lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n\
                 content-length: {}\r\n\r\n",
                event.len()
            );
            writer.write_all(&[head.as_bytes(), &event].concat())?;
        } else {
            let well = line.contains("/response ");
            shared.seen.send(Seen::Answered(at, well, body))?;
            writer.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
}
