//! Emulates a DNS resolver that knows the TXT records that the developer sets, and no other names.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Maximum length of an answer over UDP. A longer one is marked as cut, and asked for again over TCP.
const MAX_UDP: usize = 1_232;
/// Maximum length of a part of a TXT record.
const MAX_PART: usize = 255;
/// Attempts to find a port that is free for UDP and TCP.
const ATTEMPTS: usize = 10;

/// The TXT records of each name, in lower case and without the dot at its end.
pub(crate) type Records = BTreeMap<String, Vec<String>>;

/// The resolver.
#[derive(Debug, Default)]
pub(crate) struct Dns {
    records: Mutex<Records>,
    address: OnceLock<SocketAddr>,
}

impl Dns {
    /// Starts to serve on a free port.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<Result<()>>,
    ) -> Result<()> {
        let (udp, tcp) = bind().await.context("no port for DNS can be used")?;
        let _ = self.address.set(tcp.local_addr()?);
        let (dns, mut end) = (Arc::clone(self), stopped.clone());
        tasks.spawn(async move {
            tokio::select! {
                _ = end.wait_for(|stop| *stop) => Ok(()),
                served = dns.serve_udp(udp) => served,
            }
        });
        let (dns, mut end) = (Arc::clone(self), stopped.clone());
        tasks.spawn(async move {
            tokio::select! {
                _ = end.wait_for(|stop| *stop) => Ok(()),
                served = dns.serve_tcp(tcp) => served,
            }
        });
        Ok(())
    }

    /// The address, while it is served.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// All records.
    pub(crate) fn records(&self) -> Records {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.clone()
    }

    /// Replaces all records.
    pub(crate) fn replace(&self, records: Records) {
        let named = |name: &str| name.trim_end_matches('.').to_lowercase();
        let records = records.into_iter().map(|(name, it)| (named(&name), it));
        *self.records.lock().unwrap_or_else(PoisonError::into_inner) = records.collect();
    }

    async fn serve_udp(&self, socket: UdpSocket) -> Result<()> {
        let mut buffer = vec![0; 4_096];
        loop {
            // A client that has gone away is no reason to stop.
            let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            let query = buffer.get(..length).unwrap_or_default();
            if let Some(answer) = self.answer(query, Some(MAX_UDP)) {
                let _ = socket.send_to(&answer, client).await;
            }
        }
    }

    async fn serve_tcp(self: Arc<Self>, listener: TcpListener) -> Result<()> {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let dns = Arc::clone(&self);
            tokio::spawn(async move { dns.serve_connection(stream).await });
        }
    }

    /// Answers the queries of a connection, each after its length.
    async fn serve_connection(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let length = stream.read_u16().await?;
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await?;
            let Some(answer) = self.answer(&query, None) else {
                return Ok(());
            };
            let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
            stream.write_u16(length).await?;
            stream.write_all(&answer).await?;
        }
    }

    /// Answers a query; `None` if it is none.
    fn answer(&self, query: &[u8], longest: Option<usize>) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?.clone();
        let mut answer = Message::response(query.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = query.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.add_query(question.clone());
        let name = question.name().to_ascii();
        let name = name.trim_end_matches('.').to_lowercase();
        match self.records().get(&name) {
            None => answer.metadata.response_code = ResponseCode::NXDomain,
            Some(texts) if question.query_type() == RecordType::TXT => {
                for text in texts {
                    let parts = text.as_bytes().chunks(MAX_PART).collect();
                    let text = RData::TXT(TXT::from_bytes(parts));
                    answer.add_answer(Record::from_rdata(question.name().clone(), 0, text));
                }
            }
            Some(_) => {}
        }
        let bytes = answer.to_vec().ok()?;
        if longest.is_some_and(|longest| bytes.len() > longest) {
            return answer.truncate().to_vec().ok();
        }
        Some(bytes)
    }
}

/// Binds one port for UDP and TCP.
async fn bind() -> std::io::Result<(UdpSocket, TcpListener)> {
    let mut attempt = 0;
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) if attempt >= ATTEMPTS => return Err(error),
            Err(_) => attempt += 1,
        }
    }
}
