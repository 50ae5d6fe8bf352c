//! Puts events on the queue of webhooks.

use std::time::Duration;

use muster::config::SettingError;
use muster::domain::{Event, Timestamp, WebhookEndpoint};
use muster::http::{self, Code, Problem};
use muster_delivery::Queue;
use muster_delivery::webhook::Task;
use tokio::time::Instant;

use crate::delivery::WEBHOOK_QUEUE_URL;
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// Time to put the messages of a request on the queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);

/// The queue of attempts to deliver events to endpoints.
pub(crate) struct WebhookQueue(Queue);

impl Services for WebhookQueue {
    const RIGHTS: &'static [ServiceRight] = &[ServiceRight::WebhookQueue];

    fn read(_: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        Ok(Self(Queue::read(WEBHOOK_QUEUE_URL, variables)?))
    }
}

impl WebhookQueue {
    /// Puts a first attempt for each event on the queue. Fails if one of them is not on it; the client repeats the
    /// request, and receivers ignore what they get twice.
    pub(super) async fn put(
        &self,
        endpoint: &WebhookEndpoint,
        events: &[Event],
        now: Timestamp,
    ) -> Result<(), Problem> {
        let messages = events
            .iter()
            .map(|event| Task::first(endpoint, http::json(event), now).message(now));
        let messages = messages
            .collect::<Result<Vec<_>, _>>()
            .map_err(Problem::internal)?;
        let report = self.0.send(&messages, Instant::now() + QUEUE_TIME).await;
        let Some(error) = report.last_failure() else {
            return Ok(());
        };
        Err(Problem {
            source: Some(error.into()),
            ..Problem::new(
                Code::Unavailable,
                "The queue did not accept all messages. Retry after the number of seconds in Retry-After.",
            )
        })
    }
}
