//! Lambda's Runtime API over plain sockets and threads, so that little but the function itself takes time
//! between what is measured here. One function per instance, one invocation at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Longer than anything that is measured.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gives out events and takes what comes of them.
pub(crate) struct RuntimeApi {
    /// `127.0.0.1:port`, as Lambda puts it into `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    events: Sender<Vec<u8>>,
    seen: Receiver<Seen>,
}

/// What the function did.
enum Seen {
    /// It asked for an event.
    Polled(Instant),
    /// It gave an answer, or an error.
    Answered(Instant, bool, Vec<u8>),
}

/// What all connections share.
struct Shared {
    events: Mutex<Receiver<Vec<u8>>>,
    seen: Sender<Seen>,
}

impl RuntimeApi {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (events, given) = channel();
        let (told, seen) = channel();
        let shared = Arc::new(Shared {
            events: Mutex::new(given),
            seen: told,
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // It ends when the function has gone.
                std::thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        Ok(Self {
            address,
            events,
            seen,
        })
    }

    /// When the function first asked for an event.
    pub(crate) fn polled(&self) -> Result<Instant> {
        match self.seen.recv_timeout(PATIENCE)? {
            Seen::Polled(at) => Ok(at),
            Seen::Answered(..) => bail!("an answer to no event"),
        }
    }

    /// One invocation of a function that has asked for one: its answer, and the time it took. Returns
    /// when the function asks for the next one.
    pub(crate) fn invoke(&self, event: Vec<u8>) -> Result<(Duration, Vec<u8>)> {
        let started = Instant::now();
        self.events.send(event)?;
        let mut answer = None;
        loop {
            match self.seen.recv_timeout(PATIENCE)? {
                Seen::Answered(at, true, body) => answer = Some((at - started, body)),
                Seen::Answered(_, false, body) => bail!("{}", String::from_utf8_lossy(&body)),
                Seen::Polled(_) => return answer.context("no answer to an event"),
            }
        }
    }
}

/// The requests of one connection.
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
