//! Puts messages on the queue of invitations: one for each token that is to be sent.

use muster::config::SettingError;
use muster::domain::{IssuedToken, Timestamp};
use muster_delivery::mail::InvitationTask;
use muster_delivery::{Delivery, EventRecord, Message, Queue};
use tokio::time::Instant;

use super::fan_out::{FanOutReport, Queued};
use crate::{App, Variables};

/// The variable with the URL of the queue of invitations.
pub(super) const INVITATION_QUEUE_URL: &str = "INVITATION_QUEUE_URL";

/// The queue of invitations, if the deployment sends mails.
pub(super) struct InvitationMails(Option<Queue>);

impl InvitationMails {
    /// The queue that the variables name.
    pub(super) fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        let queue = match app.settings.invitation_from {
            Some(_) => Some(Queue::read(INVITATION_QUEUE_URL, variables)?),
            None => None,
        };
        Ok(Self(queue))
    }

    /// Puts messages for the tokens that these events issued on the queue.
    pub(super) async fn enqueue(
        &self,
        now: Timestamp,
        records: &[&EventRecord],
        deadline: Instant,
    ) -> FanOutReport {
        let mut queued: Vec<_> = records.iter().map(|_| Queued::All).collect();
        let Some(queue) = &self.0 else {
            return FanOutReport { queued, retries: 0 };
        };
        let (mut messages, mut owners) = (Vec::new(), Vec::new());
        for (record, queued) in records.iter().zip(&mut queued) {
            match message(record, now) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    messages.push(message);
                    owners.push(queued);
                }
                Err(error) => *queued = Queued::Never(error.to_string()),
            }
        }
        let sent = queue.send(&messages, deadline).await;
        for (owner, delivery) in owners.into_iter().zip(sent.deliveries) {
            *owner = match delivery {
                Delivery::Delivered => Queued::All,
                Delivery::Rejected(code) => Queued::Never(code),
                Delivery::Failed(code) => Queued::Later(code),
            };
        }
        FanOutReport {
            queued,
            retries: sent.retries,
        }
    }
}

/// Returns the message of an event, if it issued a token.
fn message(record: &EventRecord, now: Timestamp) -> Result<Option<Message>, serde_json::Error> {
    let issued = record
        .event
        .as_ref()
        .ok()
        .and_then(|published| IssuedToken::of(&published.event));
    let message = issued.map(|issued| InvitationTask::first(issued, now).message(now));
    message.transpose()
}
