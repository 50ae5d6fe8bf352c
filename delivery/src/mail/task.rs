//! The messages of the queue of invitations, and when a mail is tried again.

use std::time::Duration;

use muster::domain::{IssuedToken, Timestamp};
use serde::{Deserialize, Serialize};

use crate::queue::{MAX_DELAY, Message};

/// The wait after the first attempt that failed. Doubles with each one.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait: the longest delay of a message.
const LONGEST_WAIT: Duration = MAX_DELAY;
/// The number of attempts, including the first. Their waits add up to 48 hours at least, and 60 at most.
pub const MAX_ATTEMPTS: u32 = 245;
/// The most that a wait is shortened at random, as a part of it. Mails that failed together are not tried together.
const JITTER: f64 = 0.2;

/// One mail to send. Contains no token and no address: both are read when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationTask {
    /// The token to send.
    #[serde(flatten)]
    pub issued: IssuedToken,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it is due.
    pub due_at: Timestamp,
    /// When the mail was sent. Only its record is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
}

impl InvitationTask {
    /// The first attempt, due now.
    pub fn first(issued: IssuedToken, now: Timestamp) -> Self {
        Self {
            issued,
            attempt: 1,
            due_at: now,
            sent_at: None,
        }
    }

    /// The next attempt, or `None` if this was the last. `random` is from 0 to 1.
    pub fn next(&self, now: Timestamp, random: f64) -> Option<Self> {
        if self.attempt >= MAX_ATTEMPTS {
            return None;
        }
        let doublings = self.attempt.saturating_sub(1).min(16);
        let wait = LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(doublings));
        let wait = wait.mul_f64(1.0 - JITTER * random.clamp(0.0, 1.0));
        Some(Self {
            attempt: self.attempt + 1,
            due_at: now.after(wait),
            ..self.clone()
        })
    }

    /// The same attempt, due at this time.
    #[must_use]
    pub fn at(&self, due_at: Timestamp) -> Self {
        Self {
            due_at,
            ..self.clone()
        }
    }

    /// The task as it is set aside: if it is moved back to the queue, its attempts start again.
    #[must_use]
    pub fn again(&self, now: Timestamp) -> Self {
        Self::first(self.issued.clone(), now)
    }

    /// The time until it is due.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let left = self.due_at.as_millisecond() - now.as_millisecond();
        Duration::from_millis(left.try_into().unwrap_or(0))
    }

    /// Returns the message, hidden until it is due.
    ///
    /// The group of a message is its organization, so that many invitations of one do not delay those of others.
    pub fn message(&self, now: Timestamp) -> Result<Message, serde_json::Error> {
        Ok(Message {
            body: serde_json::to_string(self)?,
            group_id: Some(self.issued.organization_id.to_string()),
            delay: self.wait(now).min(MAX_DELAY),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn task() -> InvitationTask {
        serde_json::from_value(json!({
            "tenant_id": "acme",
            "organization_id": "o1",
            "invitation_id": "i1",
            "send_count": 1,
            "attempt": 1,
            "due_at": "2026-11-28T09:00:00.000Z",
        }))
        .unwrap()
    }

    #[test]
    fn a_message_names_the_token_and_nothing_else() {
        let task = task();
        let message = task.message(task.due_at).unwrap();
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let fields: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        let expected = [
            "attempt",
            "due_at",
            "invitation_id",
            "organization_id",
            "send_count",
            "tenant_id",
        ];
        assert_eq!(fields, expected);
        assert_eq!(message.group_id.as_deref(), Some("o1"));
        let again: InvitationTask = serde_json::from_value(body).unwrap();
        assert_eq!(again, task);
    }

    #[test]
    fn attempts_are_made_for_48_hours_at_least() {
        for (random, least, most) in [(0.0, 60.0, 60.1), (1.0, 48.0, 48.1)] {
            let first = task();
            let mut last = first.clone();
            let mut waits = Vec::new();
            while let Some(next) = last.next(last.due_at, random) {
                waits.push(next.wait(last.due_at));
                last = next;
            }
            assert_eq!(last.attempt, MAX_ATTEMPTS);
            assert!(waits.is_sorted());
            assert!(waits.iter().all(|wait| *wait <= MAX_DELAY));
            let hours = last.wait(first.due_at).as_secs_f64() / 3_600.0;
            assert!((least..most).contains(&hours), "{hours}");
        }
    }

    #[test]
    fn what_is_set_aside_starts_again() {
        let task = task();
        let last = InvitationTask {
            attempt: MAX_ATTEMPTS,
            ..task.clone()
        };
        assert_eq!(last.next(task.due_at, 0.0), None);
        assert_eq!(last.again(task.due_at), task);
    }
}
