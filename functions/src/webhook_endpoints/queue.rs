//! Puts events on the queue of webhooks.

use std::time::Duration;

use muster::domain::{Event, WebhookEndpoint};
use muster::http::{self, Code, Problem};
use muster_delivery::Queue;
use muster_delivery::webhook::Task;
use tokio::time::Instant;

use crate::delivery::WEBHOOK_QUEUE_URL;
use crate::endpoint::Call;

/// Time to put the messages of a request on the queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);

/// Puts a first attempt for each event on the queue. Fails if one of them is not on it; the client repeats the request,
/// and receivers ignore what they get twice.
pub(super) async fn enqueue(
    call: &Call,
    endpoint: &WebhookEndpoint,
    events: &[Event],
) -> Result<(), Problem> {
    let queue = call
        .app
        .part(|_, variable| Queue::read(WEBHOOK_QUEUE_URL, variable))?;
    let now = call.now;
    let messages = events
        .iter()
        .map(|event| Task::first(endpoint, http::json(event), now).message(now));
    let messages = messages
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::internal)?;
    let report = queue.send(&messages, Instant::now() + QUEUE_TIME).await;
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
