//! Delivers the messages of the queue of webhooks to their endpoints.
//!
//! A message that is not due yet, or whose endpoint is held back, goes back to the queue with a delay. A message that
//! cannot be dealt with is returned as failed: the queue delivers it again, and sets it aside after several times.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::{
    Delivery, DeliveryStatus, DisabledReason, Event, TenantId, Timestamp, WebhookEndpointId,
    WebhookStatus,
};
use muster::store::{SigningEndpoint, TableError};
use muster_delivery::Queue;
use muster_delivery::webhook::{
    DISABLED_AFTER, Message, Response, SendError, Sender, Task, Verdict, verdict, wait_after,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fan_out::WEBHOOK_QUEUE_URL;
use crate::messages::Batch;
use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, event_source};
use crate::{App, Variables};

/// The variable with the URL of the queue of webhooks that were given up.
const FAILURES_QUEUE_URL: &str = "WEBHOOK_FAILURES_QUEUE_URL";
/// Time to put a message on a queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);
/// How long the other messages to an endpoint wait for the result of one.
const PROBE_TIME: Duration = Duration::from_secs(20);
/// A message that is due within this time is sent now: the delay of a queue has whole seconds.
const EARLY: Duration = Duration::from_secs(1);

run_counts! {
    /// One batch of webhooks.
    DeliverCounts of "deliver-webhook", "deliver webhooks", warns of given_up | failed;
    /// Messages in the batch.
    messages,
    /// Messages that their endpoints have.
    delivered => "WebhooksDelivered",
    /// Messages whose attempt failed, to be sent again.
    retried => "WebhooksRetried",
    /// Messages without another attempt.
    given_up => "WebhooksGivenUp",
    /// Messages that are not due yet, or whose endpoint is held back.
    deferred => "WebhooksDeferred",
    /// Messages whose endpoint is deleted or disabled.
    dropped => "WebhooksDropped",
    /// Messages that could not be dealt with.
    failed => "WebhooksFailed",
}

struct Courier {
    app: App,
    sender: Sender,
    queue: Queue,
    failures: Queue,
}

/// The result for one message.
enum DeliveryOutcome {
    Delivered,
    /// To be sent again later.
    Retried,
    /// There are no more attempts.
    GivenUp,
    /// Back on the queue, without an attempt.
    Deferred,
    /// Its endpoint is deleted or disabled.
    Dropped,
}

type Endpoints = HashMap<(TenantId, WebhookEndpointId), Option<SigningEndpoint>>;

/// The function, with the queues that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let targets = app.settings.webhook_targets.clone();
    let courier = Courier {
        sender: Sender::read(targets, app.clock.clone(), variables)?,
        queue: Queue::read(WEBHOOK_QUEUE_URL, variables)?,
        failures: Queue::read(FAILURES_QUEUE_URL, variables)?,
        app,
    };
    Ok(event_source(courier, handle))
}

/// Delivers the messages of a batch at once, and returns those that failed.
async fn handle(courier: Arc<Courier>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let batch = Batch::deserialize(&batch)?;
    let tasks = batch
        .records
        .iter()
        .map(|record| serde_json::from_str::<Task>(&record.body).map_err(Error::from));
    let tasks: Vec<_> = tasks.collect();
    let endpoints = courier.endpoints(tasks.iter().flatten()).await?;
    let mut tried = HashSet::new();
    let outcomes = tasks.into_iter().map(|task| {
        let (courier, endpoints, context) = (&courier, &endpoints, &context);
        let is_first = task
            .as_ref()
            .is_ok_and(|task| tried.insert(task.endpoint_id.clone()));
        async move {
            let request_id = &context.request_id;
            courier
                .deal_with(task?, endpoints, is_first, request_id)
                .await
        }
    });
    let outcomes = join_all(outcomes).await;

    let app = &courier.app;
    let now = app.clock.now();
    let mut counts = DeliverCounts {
        messages: outcomes.len(),
        ..DeliverCounts::default()
    };
    let mut failed = Vec::new();
    for (record, outcome) in batch.records.iter().zip(outcomes) {
        match outcome {
            Ok(DeliveryOutcome::Delivered) => counts.delivered += 1,
            Ok(DeliveryOutcome::Retried) => counts.retried += 1,
            Ok(DeliveryOutcome::GivenUp) => counts.given_up += 1,
            Ok(DeliveryOutcome::Deferred) => counts.deferred += 1,
            Ok(DeliveryOutcome::Dropped) => counts.dropped += 1,
            Err(error) => {
                counts.failed += 1;
                let telemetry = &app.telemetry;
                telemetry.failure(now, &context.request_id, "webhook-not-delivered", &*error);
                failed.push(json!({"itemIdentifier": record.message_id}));
            }
        }
    }
    app.telemetry.write(&RunLine {
        now,
        request_id: &context.request_id,
        counts,
        duration: arrived.elapsed(),
        measure: None,
    });
    Ok(json!({"batchItemFailures": failed}))
}

impl Courier {
    /// Reads each endpoint once.
    async fn endpoints(&self, tasks: impl Iterator<Item = &Task>) -> Result<Endpoints, TableError> {
        let mut endpoints = Endpoints::new();
        let now = self.app.clock.now();
        for task in tasks {
            let key = (task.tenant_id.clone(), task.endpoint_id.clone());
            if let Entry::Vacant(entry) = endpoints.entry(key) {
                let (store, (tenant, id)) = (&self.app.store, entry.key());
                let found = store.signing_webhook_endpoint(tenant, id, now).await?;
                entry.insert(found);
            }
        }
        Ok(endpoints)
    }

    async fn deal_with(
        &self,
        task: Task,
        endpoints: &Endpoints,
        is_first: bool,
        request_id: &str,
    ) -> Result<DeliveryOutcome, Error> {
        let app = &self.app;
        let now = app.clock.now();
        let event: Event = serde_json::from_str(task.event.get())?;
        let key = (task.tenant_id.clone(), task.endpoint_id.clone());
        let signing = endpoints.get(&key).and_then(Option::as_ref);
        let enabled = signing.filter(|it| it.endpoint.status == WebhookStatus::Enabled);
        let Some(signing) = enabled else {
            let dropped = app.store.drop_delivery(&key.0, &key.1, event.id);
            dropped.await?;
            return Ok(DeliveryOutcome::Dropped);
        };
        if task.wait(now) > EARLY {
            put(&self.queue, &task, now).await?;
            return Ok(DeliveryOutcome::Deferred);
        }
        // After timeouts one message of a batch tries whether the endpoint responds again.
        let probe = (!is_first && signing.timeouts > 0).then(|| now.after(PROBE_TIME));
        let held_until = signing.held_until.filter(|until| *until > now);
        if let Some(until) = held_until.or(probe) {
            let held = Task {
                due_at: until,
                ..task
            };
            put(&self.queue, &held, now).await?;
            return Ok(DeliveryOutcome::Deferred);
        }

        let kind = event.event_type.as_str();
        let message = Message::new(event.id, kind, event.occurred_at, &task.event)?;
        let start = Instant::now();
        let url = &signing.endpoint.url;
        let result = self.sender.send(url, &message, &signing.secrets).await;
        let duration = start.elapsed();
        let (outcome, due_at) = self.settle(&task, signing, &result, request_id).await?;
        let delivery = Delivery {
            id: event.id,
            endpoint_id: task.endpoint_id,
            event_type: kind.to_owned(),
            status: match outcome {
                DeliveryOutcome::Delivered => DeliveryStatus::Delivered,
                DeliveryOutcome::Retried => DeliveryStatus::Pending,
                _ => DeliveryStatus::Failed,
            },
            attempts: task.attempt,
            last_attempt_at: now,
            response_status: result.as_ref().ok().map(|response| response.status),
            error: result.as_ref().err().map(|error| error.name().to_owned()),
            duration_ms: duration.as_millis().try_into().unwrap_or(u64::MAX),
            next_attempt_at: due_at,
        };
        // The endpoint has the message or will get it. To fail here would send it twice.
        if let Err(error) = app.store.record_delivery(&task.tenant_id, &delivery).await {
            let now = app.clock.now();
            let code = "delivery-not-recorded";
            app.telemetry.failure(now, request_id, code, &error);
        }
        Ok(outcome)
    }

    /// Does what the result of an attempt requires. Returns the time of the next attempt, if there is one.
    async fn settle(
        &self,
        task: &Task,
        signing: &SigningEndpoint,
        result: &Result<Response, SendError>,
        request_id: &str,
    ) -> Result<(DeliveryOutcome, Option<Timestamp>), Error> {
        let store = &self.app.store;
        let now = self.app.clock.now();
        let endpoint = &signing.endpoint;
        let retry_after = match verdict(result) {
            Verdict::Delivered => {
                store.webhook_succeeded(signing, now).await?;
                return Ok((DeliveryOutcome::Delivered, None));
            }
            Verdict::Gone => {
                store.webhook_failed(endpoint, now).await?;
                let reason = DisabledReason::Gone;
                let disabled = store.disable_webhook_endpoint(endpoint, reason, request_id);
                if disabled.await? {
                    return Ok((DeliveryOutcome::GivenUp, None));
                }
                // It has another URL meanwhile.
                return self.try_again(task, None).await;
            }
            Verdict::Retry(retry_after) => retry_after,
        };
        if *result == Err(SendError::Timeout) {
            store.webhook_timed_out(signing, now).await?;
        }
        store.webhook_failed(endpoint, now).await?;
        let since = endpoint.failing_since;
        if since.is_some_and(|since| since.after(DISABLED_AFTER) <= now) {
            // Before the endpoint is disabled: then the message would be dropped if it came back.
            put(&self.failures, &again(task, now), now).await?;
            let reason = DisabledReason::Failing;
            let disabled = store.disable_webhook_endpoint(endpoint, reason, request_id);
            if disabled.await? {
                return Ok((DeliveryOutcome::GivenUp, None));
            }
            // It has responded meanwhile, so the message is sent again too, with the same id.
        }
        self.try_again(task, retry_after).await
    }

    /// Puts a message on the queue for its next attempt, or sets it aside after the last one.
    async fn try_again(
        &self,
        task: &Task,
        retry_after: Option<Duration>,
    ) -> Result<(DeliveryOutcome, Option<Timestamp>), Error> {
        let now = self.app.clock.now();
        let Some(wait) = wait_after(task.attempt, retry_after, random()) else {
            put(&self.failures, &again(task, now), now).await?;
            return Ok((DeliveryOutcome::GivenUp, None));
        };
        let next = task.next(now.after(wait));
        put(&self.queue, &next, now).await?;
        Ok((DeliveryOutcome::Retried, Some(next.due_at)))
    }
}

/// The task as it is set aside: if it is moved back to the queue, its attempts start again.
fn again(task: &Task, now: Timestamp) -> Task {
    Task {
        attempt: 1,
        due_at: now,
        ..task.clone()
    }
}

fn random() -> f64 {
    fastrand::f64()
}

/// Puts a task on a queue.
async fn put(queue: &Queue, task: &Task, now: Timestamp) -> Result<(), Error> {
    let deadline = tokio::time::Instant::now() + QUEUE_TIME;
    Ok(queue.put(task.message(now)?, deadline).await?)
}
