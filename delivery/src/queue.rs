//! Sends messages to an SQS queue.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use muster::config::SettingError;
use thiserror::Error;
use tokio::time::Instant;

use crate::batch::{BatchReport, CallError, Delivery, deliver};
use crate::client::{config, required};

/// The variable with the endpoint of SQS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_SQS";
/// The longest delay of a message.
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The body.
    pub body: String,
    /// The group. A standard queue delivers the messages of all groups in turn, so that a group with many messages does
    /// not delay the others.
    pub group_id: Option<String>,
    /// How long to hide the message, up to [`MAX_DELAY`]. Longer delays are shortened to that.
    pub delay: Duration,
}

/// A message that is not on the queue.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a message cannot be put on the queue: {code}")]
pub struct NotQueued {
    /// The code of the error, from SQS or from the SDK.
    pub code: String,
}

impl BatchReport {
    /// Returns why the last of the items that failed is not on the queue; `None` if all are.
    pub fn last_failure(self) -> Option<NotQueued> {
        let mut failed = self.deliveries.into_iter().filter_map(|it| match it {
            Delivery::Failed(code) | Delivery::Rejected(code) => Some(NotQueued { code }),
            Delivery::Delivered => None,
        });
        failed.next_back()
    }
}

impl Queue {
    /// The queue whose URL is in the variable with this name. Makes no call.
    pub fn read(
        name: &'static str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let url = required(name, &variable)?;
        let client = Client::new(&config(ENDPOINT, variable)?);
        Ok(Self { client, url })
    }

    /// Sends messages until the deadline. Retries messages that the queue did not take for a passing reason.
    pub async fn send(&self, messages: &[Message], deadline: Instant) -> BatchReport {
        let size = |message: &Message| message.body.len();
        deliver(messages, size, deadline, |batch| self.send_batch(batch)).await
    }

    /// Sends one message until the deadline. Fails if it is not on the queue then.
    pub async fn put(&self, message: Message, deadline: Instant) -> Result<(), NotQueued> {
        let report = self.send(&[message], deadline).await;
        report.last_failure().map_or(Ok(()), Err)
    }

    async fn send_batch(&self, batch: Vec<&Message>) -> Result<Vec<Delivery>, CallError> {
        let entries = batch.iter().enumerate().map(|(index, message)| {
            let delay = message.delay.min(MAX_DELAY).as_secs();
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(&message.body)
                .set_message_group_id(message.group_id.clone())
                .set_delay_seconds(i32::try_from(delay).ok().filter(|delay| *delay > 0))
                .build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(|_| CallError {
            code: "NotSent".to_owned(),
            is_invalid: true,
        })?;
        let call = self.client.send_message_batch().queue_url(&self.url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| CallError::new(&error))?;
        let mut deliveries = vec![Delivery::Failed("NoResult".to_owned()); batch.len()];
        let mut set = |id: &str, new: Delivery| {
            let delivery = id
                .parse()
                .ok()
                .and_then(|index: usize| deliveries.get_mut(index));
            if let Some(delivery) = delivery {
                *delivery = new;
            }
        };
        for sent in answer.successful() {
            set(sent.id(), Delivery::Delivered);
        }
        for failed in answer.failed() {
            let code = failed.code().to_owned();
            // Throttling counts as a fault of the sender too.
            let passes = !failed.sender_fault() || code.contains("Throttl");
            let new = if passes {
                Delivery::Failed
            } else {
                Delivery::Rejected
            };
            set(failed.id(), new(code));
        }
        Ok(deliveries)
    }
}
