//! A queue as the source of a function.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{BatchOutcome, Invoker};
use crate::aws::REGION;
use crate::services::{Message, Queue};

/// Reads a queue and invokes a function with its messages.
pub(super) struct Poller {
    pub(super) queue: Arc<Queue>,
    pub(super) dead_letters: Option<Arc<Queue>>,
    pub(super) invoker: Invoker,
    pub(super) batch_size: usize,
    pub(super) concurrency: usize,
}

impl Poller {
    pub(super) async fn run(self) -> Result<()> {
        let free = Arc::new(Semaphore::new(self.concurrency));
        loop {
            let permit = Arc::clone(&free).acquire_owned().await?;
            let messages =
                self.queue
                    .receive(self.batch_size, None, self.dead_letters.as_ref(), None);
            let messages = messages.await;
            let (queue, invoker) = (Arc::clone(&self.queue), self.invoker.clone());
            tokio::spawn(async move {
                deliver(&queue, &invoker, &messages).await;
                drop(permit);
            });
        }
    }
}

/// Invokes the function. Deletes what it has processed; the rest becomes visible again after its timeout.
async fn deliver(queue: &Queue, invoker: &Invoker, messages: &[Message]) {
    let records: Vec<_> = messages
        .iter()
        .map(|message| record(queue, message))
        .collect();
    let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
    let failed = match invoker.invoke(json!({"Records": records}), &ids).await {
        BatchOutcome::Failed => return,
        BatchOutcome::Done => Vec::new(),
        BatchOutcome::Partly(failed) => failed,
    };
    for message in messages
        .iter()
        .filter(|message| !failed.contains(&message.id))
    {
        queue.delete(&message.receipt());
    }
}

fn record(queue: &Queue, message: &Message) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt(),
        "body": message.body,
        "attributes": message.system_attributes(),
        "messageAttributes": message.attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn(),
        "awsRegion": REGION,
    })
}
