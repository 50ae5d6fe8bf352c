//! Publishes the events in the table's stream on the event bus, puts a message for each token of an invitation on the
//! queue of invitations, and a message for each matching webhook endpoint on the queue of webhooks.
//!
//! The mapping restarts a batch at the lowest record that is returned as failed, and drops what is left of the batch
//! after the last attempt. So only records that may succeed later are returned. A record that never will is put on the
//! queue of failures right here, and the records behind it are published.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::EventId;
use muster_delivery::{Bus, Delivery, EventRecord, Message, Queue, stream};
use serde_json::{Value, json};

use super::fan_out::{FanOut, Queued};
use super::invitation_mails::InvitationMails;
use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, deadline, event_source};
use crate::{App, Variables};

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

run_counts! {
    /// One batch of the table's stream.
    PublishCounts of "publish-events", "publish events", warns of set_aside | failed;
    /// Events in the batch.
    records,
    /// Events that the bus has.
    published => "EventsPublished",
    /// Events that can never be published and are on the queue of failures.
    set_aside => "EventsSetAside",
    /// Events that will be sent again.
    failed => "EventsFailed",
    /// How many events were sent more than once in this invocation.
    retries => "EventRetries",
}

/// The receivers that have an event of a batch that is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordProgress {
    Bus,
    /// The bus, and the queue of invitations.
    Mail,
    /// All that receive it. An event before it in the batch is sent again.
    All,
}

struct Publisher {
    app: App,
    bus: Bus,
    mails: InvitationMails,
    webhooks: FanOut,
    failures: Queue,
    /// Events of batches that are sent again, and that this instance put on the bus. While a queue is down, a batch is
    /// repeated for hours; what has its events does not get them with each attempt.
    half_done: Mutex<HashMap<EventId, RecordProgress>>,
}

impl Publisher {
    fn half_done(&self) -> MutexGuard<'_, HashMap<EventId, RecordProgress>> {
        self.half_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what has an event, if its batch is sent again.
    fn done(&self, record: &EventRecord) -> Option<RecordProgress> {
        let published = record.event.as_ref().ok()?;
        self.half_done().get(&published.event.id).copied()
    }

    /// Remembers what has an event, `None` if nothing is left to do.
    fn set_done(&self, record: &EventRecord, done: Option<RecordProgress>) {
        let Ok(published) = &record.event else {
            return;
        };
        let id = published.event.id;
        let mut half_done = self.half_done();
        match done {
            None => {
                half_done.remove(&id);
            }
            Some(done) if half_done.len() < MAX_HALF_DONE || half_done.contains_key(&id) => {
                half_done.insert(id, done);
            }
            Some(_) => {}
        }
    }
}

/// The function, with the bus and the queues that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let bus = Bus::read(variables)?;
    let failures = Queue::read(FAILURES_QUEUE_URL, variables)?;
    let mails = InvitationMails::read(&app, variables)?;
    let webhooks = FanOut::read(variables)?;
    let publisher = Publisher {
        app,
        bus,
        mails,
        webhooks,
        failures,
        half_done: Mutex::default(),
    };
    Ok(event_source(publisher, handle))
}

/// The results of the records of a batch so far.
#[derive(Default)]
struct PublishProgress<'a> {
    published: Vec<&'a EventRecord>,
    /// Never published, with the reason.
    hopeless: Vec<(&'a EventRecord, String)>,
    /// To be sent again.
    failed: Vec<&'a EventRecord>,
    retries: usize,
}

/// Publishes the events of a batch, and returns the records to send again. Fails only for a batch that is not from a
/// stream.
async fn handle(own: Arc<Publisher>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let records = stream::read(&batch)?;
    let mut progress = PublishProgress::default();
    // Only of events that are on the bus, so that a bus that is down does not repeat mails and webhooks with each attempt.
    // The mails go first: a message that is repeated sends no second mail, but a second webhook.
    let on_bus = own.put_on_bus(&records, &context, &mut progress).await;
    let mailed = own.queue_mails(on_bus, &context, &mut progress).await;
    own.queue_webhooks(mailed, &context, &mut progress).await;
    let set_aside = own.set_aside(&context, &mut progress).await;
    // The batch is sent again from the first record that failed on.
    let is_repeated = !progress.failed.is_empty();
    for record in &progress.published {
        own.set_done(record, is_repeated.then_some(RecordProgress::All));
    }

    let PublishProgress {
        published,
        failed,
        retries,
        ..
    } = progress;
    let app = &own.app;
    app.telemetry.write(&RunLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        counts: PublishCounts {
            records: records.len(),
            published: published.len(),
            set_aside,
            failed: failed.len(),
            retries,
        },
        duration: arrived.elapsed(),
        measure: None,
    });
    let failed = failed
        .iter()
        .map(|record| json!({"itemIdentifier": record.sequence_number}));
    Ok(json!({"batchItemFailures": failed.collect::<Vec<_>>()}))
}

impl Publisher {
    /// Puts the events on the bus. Returns those that are there.
    async fn put_on_bus<'a>(
        &self,
        records: &'a [EventRecord],
        context: &Context,
        progress: &mut PublishProgress<'a>,
    ) -> Vec<&'a EventRecord> {
        let (mut on_bus, mut readable, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            match (&record.event, self.done(record)) {
                (_, Some(RecordProgress::All)) => progress.published.push(record),
                (_, Some(_)) => on_bus.push(record),
                (Ok(event), None) => {
                    readable.push(record);
                    events.push(event.clone());
                }
                (Err(error), None) => progress.hopeless.push((record, error.to_string())),
            }
        }
        let put = self.bus.put(&events, self.until(context, RESERVE)).await;
        progress.retries += put.retries;
        for (record, delivery) in readable.into_iter().zip(put.deliveries) {
            match delivery {
                Delivery::Delivered => on_bus.push(record),
                Delivery::Rejected(code) => progress.hopeless.push((record, code)),
                Delivery::Failed(code) => {
                    report(&self.app, context, record, "not-published", &code);
                    progress.failed.push(record);
                }
            }
        }
        on_bus
    }

    /// Queues the mails of events that are on the bus. Returns the events whose mails are queued, or that have none.
    async fn queue_mails<'a>(
        &self,
        on_bus: Vec<&'a EventRecord>,
        context: &Context,
        progress: &mut PublishProgress<'a>,
    ) -> Vec<&'a EventRecord> {
        let is_mailed = |record: &&EventRecord| self.done(record) == Some(RecordProgress::Mail);
        let (mut mailed, to_mail): (Vec<_>, Vec<_>) = on_bus.into_iter().partition(is_mailed);
        let (now, until) = (self.app.clock.now(), self.until(context, RESERVE));
        let sent = self.mails.enqueue(now, &to_mail, until).await;
        progress.retries += sent.retries;
        for (record, queued) in to_mail.into_iter().zip(sent.queued) {
            match queued {
                Queued::All => mailed.push(record),
                Queued::Never(reason) => {
                    self.set_done(record, None);
                    progress.hopeless.push((record, reason));
                }
                Queued::Later(reason) => {
                    self.set_done(record, Some(RecordProgress::Bus));
                    let code = "invitations-not-queued";
                    report(&self.app, context, record, code, &reason);
                    progress.failed.push(record);
                }
            }
        }
        mailed
    }

    /// Queues the webhooks of these events.
    async fn queue_webhooks<'a>(
        &self,
        mailed: Vec<&'a EventRecord>,
        context: &Context,
        progress: &mut PublishProgress<'a>,
    ) {
        let until = self.until(context, RESERVE);
        let fan_out = self.webhooks.enqueue(&self.app, &mailed, until).await;
        progress.retries += fan_out.retries;
        for (record, queued) in mailed.into_iter().zip(fan_out.queued) {
            match queued {
                Queued::All => progress.published.push(record),
                Queued::Never(reason) => {
                    self.set_done(record, None);
                    progress.hopeless.push((record, reason));
                }
                Queued::Later(reason) => {
                    self.set_done(record, Some(RecordProgress::Mail));
                    report(&self.app, context, record, "webhooks-not-queued", &reason);
                    progress.failed.push(record);
                }
            }
        }
    }

    /// Puts what will never be published on the queue of failures. Returns how many are there.
    async fn set_aside(&self, context: &Context, progress: &mut PublishProgress<'_>) -> usize {
        let hopeless = &progress.hopeless;
        let messages: Vec<_> = hopeless
            .iter()
            .map(|(record, reason)| message(record, reason, context))
            .collect();
        let until = self.until(context, ANSWER_RESERVE);
        let sent = self.failures.send(&messages, until).await;
        progress.retries += sent.retries;
        let mut set_aside = 0;
        for ((record, reason), delivery) in hopeless.iter().zip(sent.deliveries) {
            report(&self.app, context, record, "event-set-aside", reason);
            match delivery {
                Delivery::Delivered => set_aside += 1,
                Delivery::Rejected(code) | Delivery::Failed(code) => {
                    report(&self.app, context, record, "event-not-set-aside", &code);
                    progress.failed.push(record);
                }
            }
        }
        set_aside
    }

    fn until(&self, context: &Context, reserve: Duration) -> tokio::time::Instant {
        deadline(context, self.app.clock.now(), BUDGET, reserve)
    }
}

/// The message for the queue of failures: where the event is, and why it was not published. Without the event, which
/// stays in the table.
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
