//! The queue of runs.

use std::error::Error;
use std::time::Duration;

use muster_delivery::{Delivery, Message, NotQueued, Queue};
use muster_directory::RunTask;
use tokio::time::Instant;

use crate::App;

/// The variable with the URL of the queue.
pub(super) const RECONCILE_QUEUE_URL: &str = "RECONCILE_QUEUE_URL";
/// Time to put messages on the queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);

/// Puts a run on the queue. Fails if the queue does not take it.
pub(crate) async fn put_on_queue(
    app: &App,
    task: &RunTask,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let queue = app.part(|_, variable| Queue::read(RECONCILE_QUEUE_URL, variable));
    let queue = queue.map_err(|problem| problem.source.unwrap_or_else(|| "no queue".into()))?;
    let (_, error) = enqueue(&queue, std::slice::from_ref(task), Duration::ZERO).await?;
    Ok(error.map_or(Ok(()), Err)?)
}

/// Puts runs on the queue, after a delay. Returns how many are not on it, with the error of the last one.
pub(super) async fn enqueue(
    queue: &Queue,
    tasks: &[RunTask],
    delay: Duration,
) -> Result<(usize, Option<NotQueued>), serde_json::Error> {
    let messages = tasks.iter().map(|task| {
        Ok(Message {
            body: serde_json::to_string(task)?,
            group_id: None,
            delay,
        })
    });
    let messages = messages.collect::<Result<Vec<_>, serde_json::Error>>()?;
    let report = queue.send(&messages, Instant::now() + QUEUE_TIME).await;
    let deliveries = report.deliveries.iter();
    let failed = deliveries.filter(|it| **it != Delivery::Delivered).count();
    Ok((failed, report.last_failure()))
}
