//! Emulates event source mappings: Lambda reads a stream or a queue, and invokes a function with batches.

mod queue;
mod stream;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use dynoxide::Database;
use muster::domain::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::lambda::{Deployed, Lambda};
use crate::services::Services;
use crate::template::{Mapping, Source, Template};

/// The first wait before a batch is sent again. Doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The context of a mapping.
#[derive(Clone)]
struct Invoker {
    lambda: Arc<Lambda>,
    function: Arc<Deployed>,
    reports_failures: bool,
}

/// The result of a batch.
#[derive(Debug, PartialEq, Eq)]
enum BatchOutcome {
    Done,
    /// These failed.
    Partly(Vec<String>),
    /// All failed.
    Failed,
}

impl Invoker {
    async fn invoke(&self, event: Value, ids: &[&str]) -> BatchOutcome {
        let request_id = Clock::system().new_id().to_string();
        match self.lambda.invoke(&self.function, event, &request_id).await {
            Err(_) => BatchOutcome::Failed,
            Ok(_) if !self.reports_failures => BatchOutcome::Done,
            Ok(answer) => outcome(&answer, ids),
        }
    }
}

/// Reads `batchItemFailures`. An answer that names no record, or one that is not in the batch, fails all of it.
fn outcome(answer: &Value, ids: &[&str]) -> BatchOutcome {
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return BatchOutcome::Done,
        Some(Value::Array(failures)) => failures,
        Some(_) => return BatchOutcome::Failed,
    };
    let failed = failures.iter().map(|failure| {
        let id = failure.get("itemIdentifier")?.as_str()?;
        ids.contains(&id).then(|| id.to_owned())
    });
    match failed.collect::<Option<Vec<_>>>() {
        None => BatchOutcome::Failed,
        Some(failed) if failed.is_empty() => BatchOutcome::Done,
        Some(failed) => BatchOutcome::Partly(failed),
    }
}

/// The parts of a stack that its mappings connect.
pub(crate) struct Sources<'a> {
    pub(crate) template: &'a Template,
    pub(crate) table: &'a str,
    /// The embedded database: only its stream can be waited for.
    pub(crate) database: Option<&'a Database>,
    /// The directory that keeps the positions in the stream between runs.
    pub(crate) data: Option<&'a Path>,
    pub(crate) lambda: &'a Arc<Lambda>,
    pub(crate) services: &'a Services,
    /// Notified after each write to the table.
    pub(crate) written: &'a Arc<Notify>,
}

impl Sources<'_> {
    /// Starts all mappings of the template. They end when stopped.
    pub(crate) fn start(
        &self,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<Result<()>>,
    ) -> Result<()> {
        for mapping in &self.template.mappings {
            let started = self.start_one(mapping, stopped, tasks);
            started.with_context(|| format!("the event source of {}", mapping.function))?;
        }
        Ok(())
    }

    fn start_one(
        &self,
        mapping: &Mapping,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<Result<()>>,
    ) -> Result<()> {
        let function = self.lambda.find(&mapping.function);
        let invoker = Invoker {
            lambda: Arc::clone(self.lambda),
            function: Arc::clone(function.context("the function does not exist")?),
            reports_failures: mapping.reports_failures,
        };
        let queue = |arn: &str| self.services.queue(arn).cloned().context(arn.to_owned());
        match &mapping.source {
            Source::Stream(settings) => {
                let Some(database) = self.database.cloned() else {
                    return Ok(());
                };
                let name = format!("{}.position", mapping.function);
                let reader = stream::Reader {
                    database,
                    table: self.table.to_owned(),
                    mapping: mapping.clone(),
                    settings: settings.clone(),
                    invoker,
                    failures: settings.on_failure.as_deref().map(queue).transpose()?,
                    written: Arc::clone(self.written),
                    position: self.data.map(|data| data.join(name)),
                };
                tasks.spawn(until(stopped.clone(), reader.run()));
            }
            Source::Queue(arn, concurrency) => {
                let queue = queue(arn)?;
                let poller = queue::Poller {
                    dead_letters: self.services.dead_letters(&queue).cloned(),
                    queue,
                    invoker,
                    batch_size: mapping.batch_size,
                    concurrency: *concurrency,
                };
                tasks.spawn(until(stopped.clone(), poller.run()));
            }
        }
        Ok(())
    }
}

/// Runs a mapping until it is stopped.
async fn until(
    mut stopped: watch::Receiver<bool>,
    running: impl Future<Output = Result<()>>,
) -> Result<()> {
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => Ok(()),
        ended = running => ended,
    }
}

/// The message in the queue of failures about a batch that Lambda drops.
fn dropped(function: &Deployed, condition: &str, attempts: u32, batch: &Value) -> Value {
    let clock = Clock::system();
    json!({
        "requestContext": {
            "requestId": clock.new_id().to_string(),
            "functionArn": crate::lambda::arn(&function.function.resource),
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": null},
        "version": "1.0",
        "timestamp": clock.now().to_string(),
        "DDBStreamBatchInfo": batch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_a_batch_are_read_as_lambda_does() {
        let failure = |id: &str| json!({"batchItemFailures": [{"itemIdentifier": id}]});
        for (answer, expected) in [
            (json!(null), BatchOutcome::Done),
            (json!({}), BatchOutcome::Done),
            (json!({"batchItemFailures": null}), BatchOutcome::Done),
            (json!({"batchItemFailures": []}), BatchOutcome::Done),
            (failure("2"), BatchOutcome::Partly(vec!["2".to_owned()])),
            (failure(""), BatchOutcome::Failed),
            (failure("3"), BatchOutcome::Failed),
            (json!({"batchItemFailures": [{}]}), BatchOutcome::Failed),
        ] {
            assert_eq!(outcome(&answer, &["1", "2"]), expected, "{answer}");
        }
    }
}
