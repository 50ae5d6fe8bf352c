//! Delivers many items in batches, and retries those that failed by themselves.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::{Instant, sleep, timeout_at};

/// Both services accept 10 entries in a call.
const MAX_ENTRIES: usize = 10;
/// Bytes of all entries of a call. Both services accept 1 MiB, and 256 KiB in some regions. A larger entry is sent alone.
const MAX_BYTES: usize = 256 * 1024;
/// Maximum wait before the first retry. Doubles with each retry, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Upper limit of that wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The result of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The service has it.
    Delivered,
    /// The service will never accept it, with the code.
    Rejected(String),
    /// Not delivered in time. Retry later.
    Failed(String),
}

/// The results of all items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// One entry for each item, in the same order.
    pub deliveries: Vec<Delivery>,
    /// How many items were sent again because a first call did not deliver them.
    pub retries: usize,
}

/// The failure of a whole call.
#[derive(Debug)]
pub(crate) struct CallError {
    /// The code of the service, or the kind of failure of a call without one.
    pub(crate) code: String,
    /// Whether one of the entries is invalid. All other failures may pass.
    pub(crate) is_invalid: bool,
}

impl CallError {
    pub(crate) fn new<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        let code = match error {
            SdkError::ServiceError(service) => service.err().code().unwrap_or("ServiceError"),
            SdkError::TimeoutError(_) => "Timeout",
            SdkError::DispatchFailure(_) => "NoResponse",
            SdkError::ResponseError(_) => "UnreadableResponse",
            _ => "NotSent",
        };
        let too_large = |response: &HttpResponse| response.status().as_u16() == 413;
        let is_invalid = error.raw_response().is_some_and(too_large)
            || matches!(
                code,
                "ValidationException"
                    | "ValidationError"
                    | "InvalidArgument"
                    | "PutEventsRequestEntrySizeTooLarge"
                    | "BatchRequestTooLong"
                    | "AWS.SimpleQueueService.BatchRequestTooLong"
                    | "InvalidMessageContents"
            );
        Self {
            code: code.to_owned(),
            is_invalid,
        }
    }
}

/// Delivers the items in batches until the deadline. `send` sends one batch, and returns the result of each of its
/// items, in their order. A batch that is invalid as a whole is sent again item by item.
pub(crate) async fn deliver<'a, T, F, S>(
    items: &'a [T],
    size: impl Fn(&T) -> usize,
    deadline: Instant,
    send: F,
) -> BatchReport
where
    F: Fn(Vec<&'a T>) -> S,
    S: Future<Output = Result<Vec<Delivery>, CallError>>,
{
    let never = || Delivery::Failed("NotSent".to_owned());
    let mut tracked: Vec<(&T, Delivery)> = items.iter().map(|item| (item, never())).collect();
    let (mut retries, mut wait) = (0, FIRST_WAIT);
    loop {
        let mut open: Vec<_> = tracked.iter_mut().filter(|(_, it)| is_open(it)).collect();
        for batch in batches(&mut open, &size) {
            if Instant::now() >= deadline {
                break;
            }
            send_batch(batch, deadline, &send).await;
        }
        let open = tracked.iter().filter(|(_, it)| is_open(it)).count();
        let pause = wait.mul_f64(fastrand::f64());
        if open == 0 || Instant::now() + pause >= deadline {
            break;
        }
        sleep(pause).await;
        retries += open;
        wait = LONGEST_WAIT.min(wait * 2);
    }
    BatchReport {
        deliveries: tracked.into_iter().map(|(_, delivery)| delivery).collect(),
        retries,
    }
}

fn is_open(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Failed(_))
}

/// Splits the items into batches that the services accept.
fn batches<'b, 't, 'a, T>(
    mut open: &'b mut [&'t mut (&'a T, Delivery)],
    size: impl Fn(&T) -> usize,
) -> Vec<&'b mut [&'t mut (&'a T, Delivery)]> {
    let mut batches = Vec::new();
    while !open.is_empty() {
        let mut bytes = 0;
        let fitting = open.iter().take(MAX_ENTRIES).take_while(|(item, _)| {
            bytes += size(item);
            bytes <= MAX_BYTES
        });
        let length = fitting.count().max(1);
        let (batch, rest) = open.split_at_mut(length);
        batches.push(batch);
        open = rest;
    }
    batches
}

async fn send_batch<'a, T, F, S>(batch: &mut [&mut (&'a T, Delivery)], deadline: Instant, send: &F)
where
    F: Fn(Vec<&'a T>) -> S,
    S: Future<Output = Result<Vec<Delivery>, CallError>>,
{
    let items = batch.iter().map(|(item, _)| *item).collect();
    match call(items, deadline, send).await {
        Ok(deliveries) => {
            for ((_, delivery), new) in batch.iter_mut().map(|it| &mut **it).zip(deliveries) {
                *delivery = new;
            }
        }
        Err(error) if error.is_invalid && batch.len() > 1 => {
            for (item, delivery) in batch.iter_mut().map(|it| &mut **it) {
                let deliveries = call(vec![*item], deadline, send).await;
                let single = |mut all: Vec<Delivery>| all.pop();
                if let Some(new) = deliveries.map_or_else(|error| Some(of_call(error)), single) {
                    *delivery = new;
                }
            }
        }
        Err(error) => {
            let new = of_call(error);
            for (_, delivery) in batch.iter_mut().map(|it| &mut **it) {
                new.clone_into(delivery);
            }
        }
    }
}

fn of_call(error: CallError) -> Delivery {
    if error.is_invalid {
        Delivery::Rejected(error.code)
    } else {
        Delivery::Failed(error.code)
    }
}

async fn call<'a, T, F, S>(
    items: Vec<&'a T>,
    deadline: Instant,
    send: &F,
) -> Result<Vec<Delivery>, CallError>
where
    F: Fn(Vec<&'a T>) -> S,
    S: Future<Output = Result<Vec<Delivery>, CallError>>,
{
    let answer = timeout_at(deadline, send(items)).await;
    answer.unwrap_or_else(|_| {
        Err(CallError {
            code: "Timeout".to_owned(),
            is_invalid: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(500)
    }

    fn failed(code: &str) -> Delivery {
        Delivery::Failed(code.to_owned())
    }

    #[tokio::test]
    async fn batches_have_at_most_10_items_and_256_kib() {
        for (sizes, lengths) in [
            (vec![1; 21], vec![10, 10, 1]),
            (vec![MAX_BYTES; 2], vec![1, 1]),
            (vec![MAX_BYTES + 1, 1, 1], vec![1, 2]),
            (vec![1, MAX_BYTES + 1, 1], vec![1, 1, 1]),
            (vec![MAX_BYTES / 2; 3], vec![2, 1]),
        ] {
            let calls = Mutex::new(Vec::new());
            let report = deliver(
                &sizes,
                |size| *size,
                soon(),
                async |batch: Vec<&usize>| {
                    calls.lock().unwrap().push(batch.len());
                    Ok(vec![Delivery::Delivered; batch.len()])
                },
            );
            assert_eq!(
                report.await.deliveries,
                vec![Delivery::Delivered; sizes.len()]
            );
            assert_eq!(*calls.lock().unwrap(), lengths);
        }
    }

    #[tokio::test]
    async fn only_failed_items_are_sent_again() {
        let calls = Mutex::new(Vec::new());
        let report = deliver(
            &["a", "b", "c"],
            |_| 1,
            soon(),
            async |batch: Vec<&&str>| {
                let mut calls = calls.lock().unwrap();
                calls.push(batch.iter().map(|item| **item).collect::<String>());
                let first = calls.len() == 1;
                let delivery = |item: &&&str| match **item {
                    "b" if first => failed("ThrottlingException"),
                    "c" => Delivery::Rejected("MalformedDetail".to_owned()),
                    _ => Delivery::Delivered,
                };
                Ok(batch.iter().map(delivery).collect())
            },
        );
        let rejected = Delivery::Rejected("MalformedDetail".to_owned());
        assert_eq!(
            report.await,
            BatchReport {
                deliveries: vec![Delivery::Delivered, Delivery::Delivered, rejected],
                retries: 1,
            }
        );
        assert_eq!(*calls.lock().unwrap(), ["abc", "b"]);
    }

    #[tokio::test]
    async fn an_invalid_batch_is_sent_item_by_item() {
        let report = deliver(
            &[1, 2, 3],
            |_| 1,
            soon(),
            async |batch: Vec<&i32>| {
                if batch.contains(&&2) {
                    let code = "ValidationException".to_owned();
                    let is_invalid = true;
                    return Err(CallError { code, is_invalid });
                }
                Ok(vec![Delivery::Delivered; batch.len()])
            },
        );
        let rejected = Delivery::Rejected("ValidationException".to_owned());
        assert_eq!(
            report.await.deliveries,
            [Delivery::Delivered, rejected, Delivery::Delivered]
        );
    }

    #[tokio::test]
    async fn a_call_that_does_not_return_ends_at_the_deadline() {
        let started = Instant::now();
        let report = deliver(
            &[1, 2],
            |_| 1,
            soon(),
            async |_| std::future::pending().await,
        )
        .await;
        assert_eq!(report.deliveries, [failed("Timeout"), failed("Timeout")]);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
