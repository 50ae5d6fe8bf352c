//! Emulates one SQS queue: delays, visibility timeouts, fair order of message groups, and the dead-letter queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster::domain::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::template::QueueDefinition;

/// A queue. Messages are in memory.
#[derive(Debug)]
pub(crate) struct Queue {
    definition: QueueDefinition,
    messages: Mutex<Vec<Stored>>,
    /// Wakes those who wait for messages.
    changed: Notify,
}

#[derive(Debug)]
struct Stored {
    message: Message,
    visible_at: Instant,
    in_flight: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) group_id: Option<String>,
    pub(crate) attributes: Value,
    sent_at: Timestamp,
    first_received_at: Option<Timestamp>,
    receive_count: u32,
}

impl Message {
    /// The receipt with which a receiver deletes it. A newer receipt of the same message replaces it.
    pub(crate) fn receipt(&self) -> String {
        format!("{}#{}", self.id, self.receive_count)
    }

    /// The attributes that SQS adds, as text.
    pub(crate) fn system_attributes(&self) -> Value {
        let millisecond = |time: Timestamp| time.as_millisecond().to_string();
        let mut attributes = json!({
            "ApproximateReceiveCount": self.receive_count.to_string(),
            "SentTimestamp": millisecond(self.sent_at),
            "ApproximateFirstReceiveTimestamp": millisecond(self.first_received_at.unwrap_or(self.sent_at)),
            "SenderId": "local",
        });
        if let (Some(group), Some(attributes)) = (&self.group_id, attributes.as_object_mut()) {
            attributes.insert("MessageGroupId".to_owned(), json!(group));
        }
        attributes
    }
}

impl Queue {
    pub(super) fn new(definition: QueueDefinition) -> Self {
        Self {
            definition,
            messages: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn definition(&self) -> &QueueDefinition {
        &self.definition
    }

    pub(crate) fn arn(&self) -> &str {
        &self.definition.arn
    }

    fn messages(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message, and returns its id.
    pub(crate) fn send(
        &self,
        body: &str,
        group_id: Option<&str>,
        attributes: Value,
        delay: Option<Duration>,
    ) -> String {
        let clock = Clock::system();
        let id = clock.new_id().to_string();
        let message = Message {
            id: id.clone(),
            body: body.to_owned(),
            group_id: group_id.map(ToOwned::to_owned),
            attributes,
            sent_at: clock.now(),
            first_received_at: None,
            receive_count: 0,
        };
        self.add(message, delay.unwrap_or(self.definition.delay));
        id
    }

    fn add(&self, message: Message, delay: Duration) {
        self.messages().push(Stored {
            message,
            visible_at: Instant::now() + delay,
            in_flight: false,
        });
        self.changed.notify_waiters();
    }

    /// Receives up to `most` visible messages and hides them. Messages of groups with fewer messages in flight come
    /// first. A message that was received too often goes to the dead-letter queue.
    pub(super) fn receive_now(
        &self,
        most: usize,
        hidden: Option<Duration>,
        dead_letters: Option<&Arc<Queue>>,
    ) -> Vec<Message> {
        let now = Instant::now();
        let hidden = now + hidden.unwrap_or(self.definition.visibility_timeout);
        let mut messages = self.messages();
        for stored in messages.iter_mut().filter(|it| it.visible_at <= now) {
            stored.in_flight = false;
        }
        if let (Some(queue), Some((_, most))) = (dead_letters, &self.definition.redrive) {
            let is_dead =
                |it: &mut Stored| it.visible_at <= now && it.message.receive_count >= *most;
            for dead in messages.extract_if(.., is_dead) {
                queue.add(dead.message, Duration::ZERO);
            }
        }
        let mut in_flight: BTreeMap<Option<String>, usize> = BTreeMap::new();
        for stored in messages.iter().filter(|it| it.in_flight) {
            *in_flight
                .entry(stored.message.group_id.clone())
                .or_default() += 1;
        }
        let mut received = Vec::new();
        while received.len() < most {
            let visible = messages.iter_mut().filter(|it| it.visible_at <= now);
            let load = |it: &&mut Stored| in_flight.get(&it.message.group_id).copied();
            let Some(next) = visible.min_by_key(load) else {
                break;
            };
            next.visible_at = hidden.max(now + Duration::from_millis(1));
            next.in_flight = true;
            next.message.receive_count += 1;
            next.message
                .first_received_at
                .get_or_insert(Clock::system().now());
            *in_flight.entry(next.message.group_id.clone()).or_default() += 1;
            received.push(next.message.clone());
        }
        received
    }

    /// Receives messages, and waits for the first until `deadline`; without one for ever.
    pub(crate) async fn receive(
        &self,
        most: usize,
        hidden: Option<Duration>,
        dead_letters: Option<&Arc<Queue>>,
        deadline: Option<Instant>,
    ) -> Vec<Message> {
        loop {
            let changed = self.changed.notified();
            let received = self.receive_now(most, hidden, dead_letters);
            let next = self.messages().iter().map(|it| it.visible_at).min();
            let until = next.into_iter().chain(deadline).min();
            if !received.is_empty() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return received;
            }
            match until {
                Some(until) => drop(timeout_at(until, changed).await),
                None => changed.await,
            }
        }
    }

    /// Deletes the message of a receipt. Does nothing if it was received again or deleted before.
    pub(crate) fn delete(&self, receipt: &str) {
        self.messages().retain(|it| it.message.receipt() != receipt);
    }

    /// Hides the message of a receipt for this long from now; whether there is one.
    pub(super) fn hide(&self, receipt: &str, hidden: Duration) -> bool {
        let mut messages = self.messages();
        let stored = messages
            .iter_mut()
            .find(|it| it.message.receipt() == receipt);
        let found = stored.is_some();
        if let Some(stored) = stored {
            stored.visible_at = Instant::now() + hidden;
        }
        drop(messages);
        self.changed.notify_waiters();
        found
    }

    /// Deletes all messages.
    pub(super) fn purge(&self) {
        self.messages().clear();
    }

    /// Moves all visible messages to another queue, and returns their number.
    pub(super) fn move_to(&self, other: &Queue) -> usize {
        let now = Instant::now();
        let mut messages = self.messages();
        let moved: Vec<_> = messages.extract_if(.., |it| it.visible_at <= now).collect();
        drop(messages);
        let count = moved.len();
        for mut stored in moved {
            stored.message.receive_count = 0;
            other.add(stored.message, Duration::ZERO);
        }
        count
    }

    /// Whether it has no message, not even one in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages().is_empty()
    }

    /// The number of visible messages, of those in flight, and of those that are delayed.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let now = Instant::now();
        let messages = self.messages();
        let (hidden, visible): (Vec<_>, Vec<_>) =
            messages.iter().partition(|it| it.visible_at > now);
        let in_flight = hidden.iter().filter(|it| it.in_flight).count();
        (visible.len(), in_flight, hidden.len() - in_flight)
    }
}
