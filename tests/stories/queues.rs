//! The queues of the local stack, through the real SDK client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{Message, QueueAttributeName, SendMessageBatchRequestEntry};
use muster_local::{Handler, Options, TEMPLATE};
use serde_json::{Value, json};
use support::World;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(30);
const QUEUES: &str = "
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 1
      RedrivePolicy: {deadLetterTargetArn: !GetAtt WorkFailed.Arn, maxReceiveCount: 2}
  WorkFailed:
    Type: AWS::SQS::Queue
";
const SOURCE: &str = "
  WorkSource:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref PublishEvents
      EventSourceArn: !GetAtt Work.Arn
      BatchSize: 2
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: 2}
";

fn with_resources(resources: &str) -> Options {
    let end = format!("{resources}\nOutputs:\n");
    Options {
        template: TEMPLATE.replace("\nOutputs:\n", &end),
        ..Options::default()
    }
}

fn client(world: &World) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(world.stack.services_url());
    Client::from_conf(config.build())
}

async fn send(client: &Client, body: &str, group: Option<&str>, delay: i32) {
    let message = client.send_message().queue_url("Work").message_body(body);
    let message = message.delay_seconds(delay);
    let message = message.set_message_group_id(group.map(str::to_owned));
    message.send().await.unwrap();
}

async fn receive(client: &Client, queue: &str, wait: i32) -> Vec<Message> {
    let received = client
        .receive_message()
        .queue_url(queue)
        .wait_time_seconds(wait);
    let received = received.max_number_of_messages(10).send().await.unwrap();
    received.messages().to_vec()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|it| it.body().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_hidden_until_its_timeout_or_deletion() {
    let world = World::with(with_resources(QUEUES)).await;
    let client = client(&world);
    send(&client, "now", None, 0).await;
    send(&client, "later", None, 1).await;
    let first = receive(&client, "Work", 0).await;
    assert_eq!(bodies(&first), ["now"]);
    assert_eq!(receive(&client, "Work", 0).await.len(), 0);
    let receipt = first[0].receipt_handle().unwrap();
    let delete = client.delete_message().queue_url("Work");
    delete.receipt_handle(receipt).send().await.unwrap();
    let second = receive(&client, "Work", 5).await;
    assert_eq!(bodies(&second), ["later"]);

    let hide = client.change_message_visibility().queue_url("Work");
    let receipt = second[0].receipt_handle().unwrap();
    let hide = hide.receipt_handle(receipt).visibility_timeout(0);
    hide.send().await.unwrap();
    let third = receive(&client, "Work", 0).await;
    assert_eq!(bodies(&third), ["later"]);
    let count = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let attributes = client.get_queue_attributes().queue_url("Work");
    let attributes = attributes
        .attribute_names(count.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(attributes.attributes().unwrap()[&count], "1");
}

#[tokio::test]
async fn a_message_received_too_often_is_a_dead_letter() {
    let world = World::with(with_resources(QUEUES)).await;
    let client = client(&world);
    send(&client, "stuck", None, 0).await;
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&client, "Work", 5).await), ["stuck"]);
    }
    assert_eq!(receive(&client, "Work", 2).await.len(), 0);
    let dead = receive(&client, "WorkFailed", 0).await;
    assert_eq!(bodies(&dead), ["stuck"]);
    let receipt = dead[0].receipt_handle().unwrap();
    let show = client.change_message_visibility().queue_url("WorkFailed");
    let show = show.receipt_handle(receipt).visibility_timeout(0);
    show.send().await.unwrap();
    let redrive = client.start_message_move_task();
    let arn = "arn:aws:sqs:local:000000000000:WorkFailed";
    redrive.source_arn(arn).send().await.unwrap();
    assert_eq!(bodies(&receive(&client, "Work", 0).await), ["stuck"]);
}

#[tokio::test]
async fn a_batch_is_answered_entry_by_entry() {
    let world = World::with(with_resources(QUEUES)).await;
    let client = client(&world);
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder();
        entry.id(id).message_body(body).build().unwrap()
    };
    let batch = client.send_message_batch().queue_url("Work");
    let batch = batch.entries(entry("a", "x")).entries(entry("b", ""));
    let answer = batch.send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), "a");
    assert_eq!(answer.failed()[0].id(), "b");
    assert!(answer.failed()[0].sender_fault());
    let unknown = client.send_message().queue_url("Unknown").message_body("x");
    let error = unknown.send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error}");
}

/// A function that fails for the body `bad`, and counts every delivery.
fn worker(seen: &Arc<Mutex<BTreeMap<String, usize>>>) -> Handler {
    let seen = Arc::clone(seen);
    Handler::new(move |event: Value, _| {
        let seen = Arc::clone(&seen);
        async move {
            let mut failures = Vec::new();
            for record in event["Records"].as_array().unwrap() {
                let body = record["body"].as_str().unwrap().to_owned();
                if body == "bad" {
                    failures.push(json!({"itemIdentifier": record["messageId"]}));
                }
                *seen.lock().unwrap().entry(body).or_default() += 1;
            }
            Ok(json!({"batchItemFailures": failures}))
        }
    })
}

#[tokio::test]
async fn a_function_gets_only_failed_messages_again() {
    let seen = Arc::default();
    let mut options = with_resources(&format!("{QUEUES}{SOURCE}"));
    options.event_sources = true;
    let handler = worker(&seen);
    options
        .handlers
        .insert("publish-events".to_owned(), handler);
    let world = World::with(options).await;
    let client = client(&world);
    for body in ["a", "bad", "b", "c"] {
        send(&client, body, None, 0).await;
    }
    let until = Instant::now() + PATIENCE;
    let dead = loop {
        let dead = receive(&client, "WorkFailed", 5).await;
        if !dead.is_empty() || Instant::now() > until {
            break dead;
        }
    };
    assert_eq!(bodies(&dead), ["bad"]);
    let expected = [("a", 1), ("b", 1), ("bad", 2), ("c", 1)];
    let expected = expected.map(|(body, count)| (body.to_owned(), count));
    assert_eq!(*seen.lock().unwrap(), BTreeMap::from(expected));
}

#[tokio::test]
async fn a_group_with_many_messages_does_not_delay_others() {
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&order);
    let slow = Handler::new(move |event: Value, _| {
        let order = Arc::clone(&kept);
        async move {
            for record in event["Records"].as_array().unwrap() {
                let body = record["body"].as_str().unwrap().to_owned();
                order.lock().unwrap().push(body);
            }
            sleep(Duration::from_millis(50)).await;
            Ok(json!(null))
        }
    });
    let mut options = with_resources(&format!("{QUEUES}{SOURCE}"));
    options.event_sources = true;
    options.handlers.insert("publish-events".to_owned(), slow);
    let world = World::with(options).await;
    let client = client(&world);
    for _ in 0..40 {
        send(&client, "many", Some("a"), 0).await;
    }
    send(&client, "one", Some("b"), 0).await;
    let until = Instant::now() + PATIENCE;
    while order.lock().unwrap().len() < 41 && Instant::now() < until {
        sleep(Duration::from_millis(20)).await;
    }
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 41);
    assert_ne!(order.last().map(String::as_str), Some("one"), "{order:?}");
}
