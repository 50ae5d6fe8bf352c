//! Publishes the events in the table's stream on the event bus, and puts a message for each matching webhook endpoint
//! on the queue of webhooks.
//!
//! The mapping restarts a batch at the lowest record that is returned as failed, and drops what is left of the batch
//! after the last attempt. So only records that may succeed later are returned. A record that never will is put on the
//! queue of failures right here, and the records behind it are published.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::EventId;
use muster_delivery::{Bus, Delivery, EventRecord, Message, Queue, stream};
use serde_json::{Value, json};

use super::fan_out::{FanOut, Queued};
use crate::App;
use crate::records::PublishLine;
use crate::runtime::{Error, Started, Variables, deadline, event_source};

/// The variable with the URL of the queue of failures.
const FAILURES_QUEUE_URL: &str = "FAILURES_QUEUE_URL";
/// Time for the bus. Under the timeout of the function, so that a batch ends with a list of what failed.
const BUDGET: Duration = Duration::from_secs(20);
/// Left of the invocation's time after the bus, for the queue and the answer.
const RESERVE: Duration = Duration::from_secs(4);
/// Left of the invocation's time for the answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// Maximum number of events of [`Publisher::half_done`].
const MAX_HALF_DONE: usize = 1_000;

struct Publisher {
    app: App,
    bus: Bus,
    webhooks: FanOut,
    failures: Queue,
    /// Events that this instance put on the bus, and whose webhooks are not queued yet. While the queue is down, their
    /// batch is repeated for hours; the bus does not get them with each attempt.
    half_done: Mutex<HashSet<EventId>>,
}

impl Publisher {
    fn half_done(&self) -> MutexGuard<'_, HashSet<EventId>> {
        self.half_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whether only the bus has an event.
    fn set_half_done(&self, record: &EventRecord, is_half_done: bool) {
        let Ok(published) = &record.event else {
            return;
        };
        let mut half_done = self.half_done();
        if !is_half_done {
            half_done.remove(&published.event.id);
        } else if half_done.len() < MAX_HALF_DONE {
            half_done.insert(published.event.id);
        }
    }
}

/// The function, with the bus and the queue that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<Started, SettingError> {
    let bus = Bus::read(variables)?;
    let failures = Queue::read(FAILURES_QUEUE_URL, variables)?;
    let webhooks = FanOut::read(variables)?;
    let publisher = Publisher {
        app,
        bus,
        webhooks,
        failures,
        half_done: Mutex::default(),
    };
    Ok(event_source(publisher, handle))
}

/// Publishes the events of a batch, and returns the records to send again. Fails only for a batch that is not from a
/// stream.
async fn handle(own: Arc<Publisher>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let Publisher {
        app,
        bus,
        webhooks,
        failures,
        ..
    } = &*own;
    let records = stream::read(&batch)?;
    let now = app.clock.now();

    let (mut published, mut retries) = (0, 0);
    let (mut hopeless, mut failed): (Vec<(&EventRecord, String)>, Vec<&EventRecord>) =
        (Vec::new(), Vec::new());
    let (mut readable, mut events) = (Vec::new(), Vec::new());
    let mut on_bus = Vec::new();
    for record in &records {
        match &record.event {
            Ok(event) if own.half_done().contains(&event.event.id) => on_bus.push(record),
            Ok(event) => {
                readable.push(record);
                events.push(event.clone());
            }
            Err(error) => hopeless.push((record, error.to_string())),
        }
    }
    let put = bus
        .put(&events, deadline(&context, now, BUDGET, RESERVE))
        .await;
    retries += put.retries;
    for (record, delivery) in readable.into_iter().zip(put.deliveries) {
        match delivery {
            Delivery::Delivered => on_bus.push(record),
            Delivery::Rejected(code) => hopeless.push((record, code)),
            Delivery::Failed(code) => {
                report(app, &context, record, "not-published", &code);
                failed.push(record);
            }
        }
    }

    // Only of events that are on the bus, so that a bus that is down does not repeat webhooks with each attempt.
    let until = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let fan_out = webhooks.enqueue(app, &on_bus, until).await;
    retries += fan_out.retries;
    for (record, queued) in on_bus.into_iter().zip(fan_out.queued) {
        own.set_half_done(record, matches!(queued, Queued::Later(_)));
        match queued {
            Queued::All => published += 1,
            Queued::Never(reason) => hopeless.push((record, reason)),
            Queued::Later(reason) => {
                report(app, &context, record, "webhooks-not-queued", &reason);
                failed.push(record);
            }
        }
    }

    let messages: Vec<_> = hopeless
        .iter()
        .map(|(record, reason)| message(record, reason, &context))
        .collect();
    let until = deadline(&context, app.clock.now(), BUDGET, ANSWER_RESERVE);
    let sent = failures.send(&messages, until).await;
    retries += sent.retries;
    let mut set_aside = 0;
    for ((record, reason), delivery) in hopeless.iter().zip(sent.deliveries) {
        report(app, &context, record, "event-set-aside", reason);
        match delivery {
            Delivery::Delivered => set_aside += 1,
            Delivery::Rejected(code) | Delivery::Failed(code) => {
                report(app, &context, record, "event-not-set-aside", &code);
                failed.push(record);
            }
        }
    }

    app.telemetry.write(&PublishLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        records: records.len(),
        published,
        set_aside,
        failed: failed.len(),
        retries,
        duration: arrived.elapsed(),
    });
    let failed = failed
        .iter()
        .map(|record| json!({"itemIdentifier": record.sequence_number}));
    Ok(json!({"batchItemFailures": failed.collect::<Vec<_>>()}))
}

/// What the queue of failures gets: where the event is, and why it was not published. Not the event, which stays in the
/// table.
fn message(record: &EventRecord, reason: &str, context: &Context) -> Message {
    let body = json!({
        "reason": reason,
        "keys": record.keys,
        "sequence_number": record.sequence_number,
        "request_id": context.request_id,
    });
    Message {
        body: body.to_string(),
        ..Message::default()
    }
}

fn report(app: &App, context: &Context, record: &EventRecord, code: &str, reason: &str) {
    let number = &record.sequence_number;
    let error = Error::from(format!("record {number}: {reason}"));
    let now = app.clock.now();
    app.telemetry
        .failure(now, &context.request_id, code, error.as_ref());
}
