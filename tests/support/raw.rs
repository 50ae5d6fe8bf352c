//! Sends requests byte by byte that no client library would send.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Reply, World};

impl World {
    /// Sends these bytes and reads until the server closes. `None`: it closed without a response.
    pub async fn raw(&self, request: &[u8]) -> Option<Reply> {
        self.exchange(request, false).await
    }

    /// Sends these bytes and no more, although the server may wait for the rest.
    pub async fn cut_off(&self, request: &[u8]) -> Option<Reply> {
        self.exchange(request, true).await
    }

    async fn exchange(&self, request: &[u8], ends: bool) -> Option<Reply> {
        let address = self.stack.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        // A server that rejects early may close before it has read everything.
        let _ = stream.write_all(request).await;
        if ends {
            let _ = stream.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = answer.split_at(end);
        let head = String::from_utf8_lossy(head).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Reply {
            status,
            headers,
            body: serde_json::from_slice(&body[4..]).unwrap_or(Value::Null),
        })
    }
}
