//! Many messages to many endpoints, one of which hangs or answers without an end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use muster_delivery::webhook::CALL_TIMEOUT;
use serde_json::{Value, json};
use support::{Receiver, World, at_once};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::deliveries::{LONG_AGO, running, some_event, task, team, until};
use super::{all_events, endpoint};

const ENDPOINTS: usize = 20;
const EVENTS: usize = 50;

/// An endpoint that answers 204, and from a moment on never again.
async fn that_can_hang() -> (String, Arc<AtomicBool>) {
    let hangs = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&hangs);
    let answer = move || {
        let hangs = now.load(Ordering::SeqCst);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, hangs)
}

/// Replays all events to all endpoints at once. Returns the time until the receivers have so many messages each.
async fn replay(world: &World, paths: &[String], receivers: &[Receiver], count: usize) -> Duration {
    let start = Instant::now();
    let root = world.tenant_admin();
    let replays = paths.iter().map(|path| {
        let (root, path) = (root.clone(), format!("{path}/replay"));
        let range = json!({"from": LONG_AGO, "to": "2999-01-01T00:00:00.000Z"});
        async move { root.post(&path, range).await }
    });
    for reply in at_once(replays).await {
        assert_eq!(reply.expect(200).body["queued"], EVENTS);
    }
    until(|| async {
        let all = receivers.iter().all(|it| it.received().len() >= count);
        all.then_some(())
    })
    .await;
    start.elapsed()
}

/// 1,000 messages while one endpoint of 20 hangs take the others as long as without it, and one time limit of a call: until
/// the first call has timed out, its 50 messages may be in all 20 batches that are delivered at once. If they did not wait
/// then, they would take three limits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_hangs_delays_the_others_once() {
    let world = running().await;
    for n in 0..EVENTS {
        team(&world, &format!("Team {n}")).await;
    }
    let (url, hangs) = that_can_hang().await;
    let (mut paths, mut receivers) = (Vec::new(), Vec::new());
    let mut urls = vec![url];
    for _ in 1..ENDPOINTS {
        let receiver = Receiver::start().await;
        urls.push(receiver.url.clone());
        receivers.push(receiver);
    }
    for url in urls {
        let body = json!({"url": url, "event_types": ["team.created"]});
        paths.push(endpoint(&world, body).await.0);
    }

    let usual = replay(&world, &paths, &receivers, EVENTS).await;
    hangs.store(true, Ordering::SeqCst);
    let beside_one_that_hangs = replay(&world, &paths, &receivers, 2 * EVENTS).await;
    assert!(
        beside_one_that_hangs < 3 * usual + CALL_TIMEOUT,
        "{beside_one_that_hangs:?} and usually {usual:?}"
    );
    for receiver in &receivers {
        let received = receiver.received();
        let ids: HashSet<_> = received
            .iter()
            .map(|one| one.header("webhook-id"))
            .collect();
        assert_eq!((received.len(), ids.len()), (2 * EVENTS, EVENTS));
    }
}

/// The data that [`endless`] sends on every connection, and how often: the bytes of a gigabyte.
const CHUNK: &[u8] = &[b'x'; 64 * 1024];
const CHUNKS: usize = 16 * 1024;

/// An endpoint whose answers have a body of a gigabyte or without an end. Returns its URL, and the number of bytes that
/// it could send.
async fn endless(head: &'static str, is_chunked: bool) -> (String, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let all = Arc::clone(&sent);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sent = Arc::clone(&all);
            tokio::spawn(async move {
                // The request is small: it is in the first bytes.
                let _ = stream.read(&mut [0; 16 * 1024]).await;
                let mut open = stream.write_all(head.as_bytes()).await.is_ok();
                for _ in 0..CHUNKS {
                    if is_chunked {
                        let length = format!("{:x}\r\n", CHUNK.len());
                        open = open && stream.write_all(length.as_bytes()).await.is_ok();
                    }
                    open = open && stream.write_all(CHUNK).await.is_ok();
                    open = open && (!is_chunked || stream.write_all(b"\r\n").await.is_ok());
                    if !open {
                        break;
                    }
                    sent.fetch_add(CHUNK.len() as u64, Ordering::SeqCst);
                }
            });
        }
    });
    (url, sent)
}

/// The largest memory of this process since the last call, in bytes; `None` if the system does not show it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kilobytes * 1024)
}

/// Delivers messages to an endpoint in batches of 10, all at once. Returns how many were delivered.
async fn deliver_many(world: &World, path: &str, event: &Value, batches: usize) -> usize {
    const BATCH: usize = 10;
    let task = task(path, event, 1, LONG_AGO).to_string();
    let records: Vec<_> = (0..BATCH)
        .map(|n| json!({"messageId": format!("m{n}"), "body": task}))
        .collect();
    let batch = json!({"Records": records});
    let answers = (0..batches).map(|_| world.invoke("deliver-webhook", &batch));
    let answers = futures::future::join_all(answers).await;
    let failed = answers
        .iter()
        .map(|answer| answer["batchItemFailures"].as_array().unwrap().len());
    batches * BATCH - failed.sum::<usize>()
}

/// 80 answers of a gigabyte and more take no more memory than their buffers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_an_end_takes_no_memory() {
    const BATCHES: usize = 4;
    const MIB: u64 = 1024 * 1024;
    let world = World::start().await;
    let event = some_event(&world).await;
    // The same with empty answers, so that everything else is in memory.
    let receiver = Receiver::start().await;
    let (usual, _) = endpoint(&world, all_events(&receiver.url)).await;
    let messages = deliver_many(&world, &usual, &event, BATCHES).await;
    assert_eq!(messages, BATCHES * 10);
    let before = peak_memory();
    for (head, is_chunked) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            true,
        ),
    ] {
        let (url, sent) = endless(head, is_chunked).await;
        let (path, _) = endpoint(&world, all_events(&url)).await;
        let delivered = deliver_many(&world, &path, &event, BATCHES).await;
        assert_eq!(delivered, messages, "the status decides: {head}");
        // What the function does not read fits into the buffers of the system.
        let sent = sent.load(Ordering::SeqCst) / messages as u64;
        assert!(sent < 32 * MIB, "{sent} bytes for each message: {head}");
        if let (Some(before), Some(now)) = (before, peak_memory()) {
            let more = now.saturating_sub(before) / messages as u64;
            assert!(
                more < MIB,
                "{more} bytes of memory for each message: {head}"
            );
        }
    }
}
