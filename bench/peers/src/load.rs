//! A closed loop: each client sends its next request after the response to the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::peer::{Peer, PeerOperation};

/// Time limit of a load.
const LONGEST: Duration = Duration::from_secs(20);

/// The result of a load.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ran {
    /// Successful requests per second.
    pub(crate) throughput: f64,
    /// The median latency of all requests, in milliseconds.
    pub(crate) p50: f64,
    /// The p99 latency.
    pub(crate) p99: f64,
    /// The number of successful requests.
    pub(crate) answered: usize,
    /// The number of failed requests.
    pub(crate) failed: usize,
}

/// Sends this number of requests with this number of concurrent clients, numbered from `from`.
pub(crate) async fn run(
    peer: &Arc<Peer>,
    operation: PeerOperation,
    clients: usize,
    requests: usize,
    from: usize,
) -> Result<Ran> {
    // Each client has its own connection, opened before the clock starts.
    let health = |client: Client| async {
        client.get(peer.health()).send().await?.bytes().await?;
        anyhow::Ok(client)
    };
    let waiting = (0..clients).map(|_| health(Client::new()));
    let waiting = try_join_all(waiting).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut loops = JoinSet::new();
    let started = Instant::now();
    for client in waiting {
        let (peer, next) = (Arc::clone(peer), Arc::clone(&next));
        loops.spawn(async move {
            let (mut times, mut failed) = (Vec::new(), 0);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= requests || started.elapsed() > LONGEST {
                    return (times, failed);
                }
                let request = peer.load(&client, operation, from + n);
                let sent = Instant::now();
                let ok = match request.send().await {
                    Ok(answer) => {
                        let ok = answer.status().is_success();
                        answer.bytes().await.is_ok() && ok
                    }
                    Err(_) => false,
                };
                // Failed requests count too.
                times.push(sent.elapsed());
                failed += usize::from(!ok);
            }
        });
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    while let Some(ended) = loops.join_next().await {
        let (some, not) = ended?;
        times.extend(some);
        failed += not;
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let throughput = (times.len() - failed) as f64 / took;
    Ok(Ran {
        throughput,
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        answered: times.len() - failed,
        failed,
    })
}

/// The percentile in milliseconds (nearest rank); `times` are sorted.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
    times
        .get(rank)
        .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// The median, the minimum and the maximum.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |n: usize| values.get(n).copied().unwrap_or_default();
    (
        at(values.len() / 2),
        at(0),
        at(values.len().saturating_sub(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert!((percentile(&times, 50) - 100.0).abs() < 1e-9);
        assert!((percentile(&times, 99) - 198.0).abs() < 1e-9);
        assert!((percentile(&times[..1], 99) - 1.0).abs() < 1e-9);
        assert!(percentile(&[], 50).abs() < 1e-9);
    }

    #[test]
    fn the_spread_is_median_minimum_and_maximum() {
        assert_eq!(spread([3.0, 1.0, 2.0].into_iter()), (2.0, 1.0, 3.0));
    }
}
