//! The table's stream as the source of a function.
//!
//! The records are spread over lanes by partition key, as Lambda does with `ParallelizationFactor`: the order of a
//! partition is kept, and a batch that fails delays its lane only.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use dynoxide::Database;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use muster::domain::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{BatchOutcome, FIRST_WAIT, Invoker, LONGEST_WAIT, dropped};
use crate::aws::REGION;
use crate::services::Queue;
use crate::template::{Mapping, StreamSettings};

/// How long writes that do not go through this program may stay unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Records that wait in a lane.
const LANE: usize = 1_000;

/// Reads the stream of the embedded database and invokes a function with its records.
pub(super) struct Reader {
    pub(super) database: Database,
    pub(super) table: String,
    pub(super) mapping: Mapping,
    pub(super) settings: StreamSettings,
    pub(super) invoker: Invoker,
    pub(super) failures: Option<Arc<Queue>>,
    pub(super) written: Arc<Notify>,
    /// The file that keeps the position between runs.
    pub(super) position: Option<PathBuf>,
}

/// A record as the function gets it.
#[derive(Clone, Debug)]
struct RecordEvent {
    sequence_number: String,
    event: Value,
}

/// Which records are done.
#[derive(Debug)]
struct ReadPosition {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    read: Option<String>,
    open: BTreeSet<String>,
}

impl ReadPosition {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let position = match (state.open.first(), &state.read) {
            (Some(open), _) => format!("AT_SEQUENCE_NUMBER {open}"),
            (None, Some(read)) => format!("AFTER_SEQUENCE_NUMBER {read}"),
            (None, None) => return,
        };
        if let Some(file) = &self.file {
            // Without the position, the next run sends some records again, which a function must expect.
            let _ = fs::write(file, position);
        }
    }
}

impl Reader {
    pub(super) async fn run(self) -> Result<()> {
        let state = Mutex::default();
        let file = self.position.clone();
        let progress = Arc::new(ReadPosition { file, state });
        let mut iterator = self.iterator()?;
        let mut tasks = JoinSet::new();
        let lanes: Vec<_> = (0..self.mapping.parallelization.max(1))
            .map(|_| {
                let (sender, records) = mpsc::channel(LANE);
                let lane = Lane {
                    records,
                    batch_size: self.mapping.batch_size,
                    settings: self.settings.clone(),
                    invoker: self.invoker.clone(),
                    failures: self.failures.clone(),
                    progress: Arc::clone(&progress),
                    stream: self.stream_arn(),
                };
                tasks.spawn(lane.run());
                sender
            })
            .collect();
        loop {
            let written = self.written.notified();
            let (records, next) = self.records(iterator.clone()).await?;
            iterator = next;
            if records.is_empty() {
                // Both outcomes mean the same: look again.
                let _ = timeout(LOOK_EVERY, written).await;
                continue;
            }
            for record in records {
                let wanted = self.mapping.filters.is_empty()
                    || self
                        .mapping
                        .filters
                        .iter()
                        .any(|it| it.matches(&record.event));
                progress.change(|state| {
                    state.read = Some(record.sequence_number.clone());
                    if wanted {
                        state.open.insert(record.sequence_number.clone());
                    }
                });
                if wanted && let Some(lane) = lane(&lanes, &record) {
                    lane.send(record).await.context("a lane ended")?;
                }
            }
        }
    }

    fn stream_arn(&self) -> String {
        format!(
            "arn:aws:dynamodb:{REGION}:000000000000:table/{}/stream/local",
            self.table
        )
    }

    /// The place to start: where the last run ended, or the start of the stream.
    fn iterator(&self) -> Result<String> {
        let kept = self
            .position
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        let (kind, number) = match kept.as_deref().and_then(|kept| kept.split_once(' ')) {
            Some((kind, number)) => (kind, Some(number.to_owned())),
            None => ("TRIM_HORIZON", None),
        };
        let answer = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: self.stream_arn(),
            shard_id: dynoxide::streams::shard_id(&self.table),
            shard_iterator_type: kind.to_owned(),
            sequence_number: number,
        })?;
        answer.shard_iterator.context("the stream has no shard")
    }

    async fn records(&self, iterator: String) -> Result<(Vec<RecordEvent>, String)> {
        let (database, arn) = (self.database.clone(), self.stream_arn());
        let read = tokio::task::spawn_blocking(move || {
            database.get_records(GetRecordsRequest {
                shard_iterator: iterator,
                limit: None,
            })
        });
        let answer = read
            .await?
            .map_err(|error| anyhow!("the stream: {error}"))?;
        let records = answer.records.into_iter().map(|record| {
            let sequence_number = record.dynamodb.sequence_number.clone();
            let mut event = serde_json::to_value(record)?;
            if let Some(event) = event.as_object_mut() {
                event.insert("eventSourceARN".to_owned(), json!(arn));
                event.insert("awsRegion".to_owned(), json!(REGION));
            }
            Ok(RecordEvent {
                sequence_number,
                event,
            })
        });
        let records = records.collect::<Result<_>>()?;
        let next = answer.next_shard_iterator.context("the stream ended")?;
        Ok((records, next))
    }
}

/// The lane of the record's partition.
fn lane<'a>(
    lanes: &'a [mpsc::Sender<RecordEvent>],
    record: &RecordEvent,
) -> Option<&'a mpsc::Sender<RecordEvent>> {
    let partition = record
        .event
        .pointer("/dynamodb/Keys/pk")
        .map(Value::to_string);
    let mut hasher = DefaultHasher::new();
    partition.hash(&mut hasher);
    let count = u64::try_from(lanes.len()).ok()?;
    lanes.get(usize::try_from(hasher.finish().checked_rem(count)?).ok()?)
}

struct Lane {
    records: mpsc::Receiver<RecordEvent>,
    batch_size: usize,
    settings: StreamSettings,
    invoker: Invoker,
    failures: Option<Arc<Queue>>,
    progress: Arc<ReadPosition>,
    stream: String,
}

impl Lane {
    async fn run(mut self) {
        let mut batch = Vec::new();
        while self.records.recv_many(&mut batch, self.batch_size).await > 0 {
            // Halves of a batch that ended the function, the first on top.
            let mut batches = vec![std::mem::take(&mut batch)];
            while let Some(batch) = batches.pop() {
                if let Some((one, other)) = self.process(batch).await {
                    batches.extend([other, one]);
                }
            }
        }
    }

    /// Sends a batch until it is done or dropped; returns its halves if it is to be split.
    async fn process(
        &self,
        mut batch: Vec<RecordEvent>,
    ) -> Option<(Vec<RecordEvent>, Vec<RecordEvent>)> {
        let (mut attempts, mut wait) = (0, FIRST_WAIT);
        loop {
            let (old, young): (Vec<_>, Vec<_>) = batch.into_iter().partition(|it| self.is_old(it));
            batch = young;
            self.drop_batch(&old, "RecordAgeExceeded", attempts);
            if batch.is_empty() {
                return None;
            }
            if self
                .settings
                .max_retries
                .is_some_and(|most| attempts > most)
            {
                self.drop_batch(&batch, "RetryAttemptsExhausted", attempts);
                return None;
            }
            let records: Vec<_> = batch.iter().map(|record| &record.event).collect();
            let ids: Vec<_> = batch.iter().map(|it| it.sequence_number.as_str()).collect();
            match self.invoker.invoke(json!({"Records": records}), &ids).await {
                BatchOutcome::Done => {
                    self.done(&batch);
                    return None;
                }
                BatchOutcome::Partly(failed) => {
                    // The numbers have the same length, so that their order is that of the texts.
                    let lowest = failed.into_iter().min().unwrap_or_default();
                    let (before, rest): (Vec<_>, Vec<_>) = batch
                        .into_iter()
                        .partition(|it| it.sequence_number < lowest);
                    self.done(&before);
                    batch = rest;
                }
                BatchOutcome::Failed if self.settings.bisects && batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    return Some((batch, rest));
                }
                BatchOutcome::Failed => {}
            }
            attempts += 1;
            sleep(wait).await;
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    fn is_old(&self, record: &RecordEvent) -> bool {
        let now = u64::try_from(Clock::system().now().as_second()).unwrap_or_default();
        let age = Duration::from_secs(now.saturating_sub(created(record)));
        self.settings.max_age.is_some_and(|most| age > most)
    }

    fn done(&self, batch: &[RecordEvent]) {
        self.progress.change(|state| {
            for record in batch {
                state.open.remove(&record.sequence_number);
            }
        });
    }

    /// Gives up on records, and reports them.
    fn drop_batch(&self, batch: &[RecordEvent], condition: &str, attempts: u32) {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
            return;
        };
        if let Some(queue) = &self.failures {
            let info = json!({
                "shardId": "shardId-00000000000000000001-local",
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": created(first),
                "approximateArrivalOfLastRecord": created(last),
                "batchSize": batch.len(),
                "streamArn": self.stream,
            });
            let message = dropped(&self.invoker.function, condition, attempts, &info);
            queue.send(&message.to_string(), None, json!({}), None);
        }
        self.done(batch);
    }
}

/// When the record was made, in seconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float saturates"
)]
fn created(record: &RecordEvent) -> u64 {
    let created = record
        .event
        .pointer("/dynamodb/ApproximateCreationDateTime");
    created.and_then(Value::as_f64).unwrap_or_default() as u64
}
