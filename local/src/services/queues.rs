//! Emulates the operations of SQS on the queues of the template.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Message, Queue, ServiceError, ServiceFaults};
use crate::template::QueueDefinition;

/// Messages of a batch, and of an answer.
const MAX_MESSAGES: usize = 10;

/// The queues by name.
#[derive(Debug)]
pub(super) struct Queues(BTreeMap<String, Arc<Queue>>);

impl Queues {
    pub(super) fn new(definitions: &[QueueDefinition]) -> Self {
        let queues = definitions.iter().map(|definition| {
            let queue = Queue::new(definition.clone());
            (definition.name.clone(), Arc::new(queue))
        });
        Self(queues.collect())
    }

    /// The queue with this ARN, URL or name.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<Queue>> {
        self.0.get(name.rsplit(['/', ':']).next()?)
    }

    pub(super) fn urls(&self) -> Vec<&str> {
        let queues = self.0.values();
        queues
            .map(|queue| queue.definition().url.as_str())
            .collect()
    }

    /// The queue that gets messages which were received too often.
    pub(super) fn dead_letters(&self, queue: &Queue) -> Option<&Arc<Queue>> {
        let (target, _) = queue.definition().redrive.as_ref()?;
        self.find(target)
    }

    pub(super) async fn call(
        &self,
        queue: &Arc<Queue>,
        operation: &str,
        input: &Value,
        faults: &ServiceFaults,
    ) -> Result<Value, ServiceError> {
        match operation {
            "SendMessage" => send(queue, input).map(|id| json!({"MessageId": id})),
            "SendMessageBatch" => send_batch(queue, input, faults),
            "ReceiveMessage" => self.receive(queue, input).await,
            "DeleteMessage" => {
                queue.delete(text(input, "ReceiptHandle"));
                Ok(json!({}))
            }
            "DeleteMessageBatch" => each(input, |entry| {
                queue.delete(text(entry, "ReceiptHandle"));
                Ok(json!({}))
            }),
            "ChangeMessageVisibility" => {
                let hidden = seconds(input, "VisibilityTimeout").unwrap_or_default();
                if queue.hide(text(input, "ReceiptHandle"), hidden) {
                    Ok(json!({}))
                } else {
                    let message = "The receipt handle has expired";
                    Err(ServiceError::new(
                        "com.amazonaws.sqs#ReceiptHandleIsInvalid",
                        message,
                    ))
                }
            }
            "PurgeQueue" => {
                queue.purge();
                Ok(json!({}))
            }
            "GetQueueUrl" => Ok(json!({"QueueUrl": queue.definition().url})),
            "GetQueueAttributes" => Ok(json!({"Attributes": attributes(queue)})),
            "StartMessageMoveTask" => Ok(self.move_back(queue, input)),
            _ => Err(ServiceError::new(
                "UnsupportedOperation",
                format!("{operation} is not played by the local stack"),
            )),
        }
    }

    async fn receive(&self, queue: &Queue, input: &Value) -> Result<Value, ServiceError> {
        let most = input.get("MaxNumberOfMessages").and_then(Value::as_u64);
        let most = usize::try_from(most.unwrap_or(1)).unwrap_or(usize::MAX);
        if !(1..=MAX_MESSAGES).contains(&most) {
            let message = "MaxNumberOfMessages must be between 1 and 10";
            return Err(ServiceError::new("InvalidParameterValue", message));
        }
        let wait = seconds(input, "WaitTimeSeconds").unwrap_or_default();
        let hidden = seconds(input, "VisibilityTimeout");
        let dead_letters = self.dead_letters(queue);
        let deadline = Some(Instant::now() + wait);
        let received = queue.receive(most, hidden, dead_letters, deadline).await;
        let messages: Vec<_> = received.iter().map(described).collect();
        Ok(json!({"Messages": messages}))
    }

    /// Moves the messages of a dead-letter queue to a queue whose dead letters it has, or to the given one.
    fn move_back(&self, queue: &Arc<Queue>, input: &Value) -> Value {
        let named = input.get("DestinationArn").and_then(Value::as_str);
        let mut all = self.0.values();
        let to = match named {
            Some(named) => self.find(named),
            None => all.find(|it| {
                self.dead_letters(it)
                    .is_some_and(|dead| Arc::ptr_eq(dead, queue))
            }),
        };
        if let Some(to) = to {
            queue.move_to(to);
        }
        json!({"TaskHandle": "local"})
    }
}

fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn seconds(input: &Value, name: &str) -> Option<Duration> {
    input.get(name)?.as_u64().map(Duration::from_secs)
}

fn send(queue: &Queue, input: &Value) -> Result<String, ServiceError> {
    let body = text(input, "MessageBody");
    if body.is_empty() {
        let message = "The request must contain the parameter MessageBody.";
        return Err(ServiceError::new("MissingParameter", message));
    }
    let delay = seconds(input, "DelaySeconds");
    if delay.is_some_and(|delay| delay > Duration::from_mins(15)) {
        let message = "DelaySeconds must be between 0 and 900";
        return Err(ServiceError::new("InvalidParameterValue", message));
    }
    let group = input.get("MessageGroupId").and_then(Value::as_str);
    let attributes = input.get("MessageAttributes").cloned();
    Ok(queue.send(body, group, attributes.unwrap_or_else(|| json!({})), delay))
}

fn send_batch(queue: &Queue, input: &Value, faults: &ServiceFaults) -> Result<Value, ServiceError> {
    each(input, |entry| {
        match faults.entry("SendMessageBatch", entry) {
            Some(code) => Err(ServiceError::new(&code, "a fault of the test")),
            None => send(queue, entry).map(|id| json!({"MessageId": id})),
        }
    })
}

/// Runs an operation for each entry of a batch.
fn each(
    input: &Value,
    run: impl Fn(&Value) -> Result<Value, ServiceError>,
) -> Result<Value, ServiceError> {
    let entries = input.get("Entries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() || entries.len() > MAX_MESSAGES {
        let code = "com.amazonaws.sqs#TooManyEntriesInBatchRequest";
        return Err(ServiceError::new(code, "a batch has 1 to 10 entries"));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = text(entry, "Id");
        match run(entry) {
            Ok(mut done) => {
                if let Some(done) = done.as_object_mut() {
                    done.insert("Id".to_owned(), json!(id));
                }
                successful.push(done);
            }
            Err(error) => failed.push(json!({
                "Id": id, "Code": error.code, "Message": error.message,
                "SenderFault": error.code != "InternalError",
            })),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

fn described(message: &Message) -> Value {
    json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt(),
        "Body": message.body,
        "Attributes": message.system_attributes(),
        "MessageAttributes": message.attributes,
    })
}

fn attributes(queue: &Queue) -> Value {
    let (visible, in_flight, delayed) = queue.counts();
    json!({
        "QueueArn": queue.arn(),
        "ApproximateNumberOfMessages": visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": in_flight.to_string(),
        "ApproximateNumberOfMessagesDelayed": delayed.to_string(),
        "VisibilityTimeout": queue.definition().visibility_timeout.as_secs().to_string(),
        "DelaySeconds": queue.definition().delay.as_secs().to_string(),
    })
}
