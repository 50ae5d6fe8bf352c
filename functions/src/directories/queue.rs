//! The queue of runs.

use std::error::Error;
use std::time::Duration;

use muster::config::SettingError;
use muster_delivery::{Delivery, Message, NotQueued, Queue};
use muster_directory::RunTask;
use tokio::time::Instant;

use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// The variable with the URL of the queue.
const RECONCILE_QUEUE_URL: &str = "RECONCILE_QUEUE_URL";
/// Time to put messages on the queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);

/// The queue of runs.
pub(crate) struct RunQueue(Queue);

impl Services for RunQueue {
    const RIGHTS: &'static [ServiceRight] = &[ServiceRight::RunQueue];

    fn read(_: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self(Queue::read(RECONCILE_QUEUE_URL, variables)?))
    }
}

impl RunQueue {
    /// Puts a run on the queue. Fails if the queue does not take it.
    pub(crate) async fn put(&self, task: &RunTask) -> Result<(), Box<dyn Error + Send + Sync>> {
        let (_, error) = self
            .put_all(std::slice::from_ref(task), Duration::ZERO)
            .await?;
        Ok(error.map_or(Ok(()), Err)?)
    }

    /// Puts runs on the queue, after a delay. Returns how many are not on it, with the error of the last one.
    pub(super) async fn put_all(
        &self,
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
        let report = self.0.send(&messages, Instant::now() + QUEUE_TIME).await;
        let deliveries = report.deliveries.iter();
        let failed = deliveries.filter(|it| **it != Delivery::Delivered).count();
        Ok((failed, report.last_failure()))
    }
}
