//! The queue of runs.

use std::time::Duration;

use muster_delivery::{Delivery, Message, Queue};
use muster_directory::RunTask;
use tokio::time::Instant;

/// The variable with the URL of the queue.
pub(super) const RECONCILE_QUEUE_URL: &str = "RECONCILE_QUEUE_URL";
/// Time to put messages on the queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);

/// Puts runs on the queue, after a delay. Returns how many are not on it, with the code of the last one.
pub(super) async fn enqueue(
    queue: &Queue,
    tasks: &[RunTask],
    delay: Duration,
) -> Result<(usize, Option<String>), serde_json::Error> {
    let messages = tasks.iter().map(|task| {
        Ok(Message {
            body: serde_json::to_string(task)?,
            group_id: None,
            delay,
        })
    });
    let messages = messages.collect::<Result<Vec<_>, serde_json::Error>>()?;
    let report = queue.send(&messages, Instant::now() + QUEUE_TIME).await;
    let failed = report.deliveries.into_iter().filter_map(|it| match it {
        Delivery::Failed(code) | Delivery::Rejected(code) => Some(code),
        Delivery::Delivered => None,
    });
    let codes: Vec<_> = failed.collect();
    Ok((codes.len(), codes.into_iter().next_back()))
}
