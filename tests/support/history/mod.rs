//! Random histories: a few users send random concurrent requests, DynamoDB fails sometimes, and
//! some sequential order must explain every response.

pub mod domains;
mod erasure;
pub mod invitations;
pub mod linear;
pub mod logins;
pub mod names;
pub mod requests;
pub mod response;
mod runner;
pub mod spec;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use muster::domain::{Clock, Timestamp};
use uuid::Uuid;

use linear::{Seen, explain};
use response::HistoryResponse;
use spec::{Operation, Spec};

use crate::Fault;

/// The result of a history.
#[derive(Debug)]
pub struct History {
    /// The seed, which reproduces it.
    pub seed: u64,
    /// The initial state.
    pub start: Spec,
    /// The operations, in order of their start.
    pub seen: Vec<Seen<Operation, HistoryResponse>>,
    /// Whether DynamoDB forgot its tokens. Then a repeated write that another one has overwritten
    /// may report a refusal, so the responses are not checked.
    pub is_forgetful: bool,
    /// The violations in the table at the end.
    pub violations: Vec<String>,
    /// Every step: the started requests and released calls with their faults.
    pub steps: Vec<String>,
    /// Counts by event.
    pub counts: Counts,
}

/// The result of a history in which each write is checked.
#[derive(Debug)]
pub struct Checked {
    /// The seed, which reproduces it.
    pub seed: u64,
    /// The test that repeats it.
    test: &'static str,
    /// The violations.
    wrong: Vec<String>,
    /// Every step.
    steps: Vec<String>,
    /// Counts by event.
    pub counts: Counts,
}

/// Counts by event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests by operation.
    pub operations: BTreeMap<&'static str, u64>,
    /// Failed calls to DynamoDB by fault.
    pub faults: BTreeMap<&'static str, u64>,
    /// Responses by status and code.
    pub outcomes: BTreeMap<String, u64>,
    /// Calls to DynamoDB.
    pub calls: u64,
    /// Calls released while those of other requests waited.
    pub overtaking: u64,
}

impl Counts {
    /// Adds the counts of another history.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.operations {
            *self.operations.entry(name).or_default() += count;
        }
        for (name, count) in &other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (name, count) in &other.outcomes {
            *self.outcomes.entry(name.clone()).or_default() += count;
        }
        self.calls += other.calls;
        self.overtaking += other.overtaking;
    }
}

impl History {
    /// Runs it on a thread of its own.
    pub fn of_seed(seed: u64) -> Self {
        alone(seed, runner::history(seed))
    }

    /// The violations as text; empty if there are none.
    pub fn wrong(&self) -> Option<String> {
        let mut wrong = self.violations.join("\n");
        if !self.is_forgetful
            && let Err(explained) = explain(&self.start, &self.seen)
        {
            let _ = writeln!(wrong, "no order explains the answers; as far as one does:");
            for place in &explained {
                let _ = writeln!(wrong, "  {:?}", self.seen[*place]);
            }
            let _ = writeln!(wrong, "and not:");
            for (place, seen) in self.seen.iter().enumerate() {
                if !explained.contains(&place) {
                    let _ = writeln!(wrong, "  {seen:?}");
                }
            }
        }
        if wrong.is_empty() {
            return None;
        }
        let steps = self.steps.join("\n  ");
        Some(format!(
            "again: MUSTER_SEED={} cargo nextest run -p muster-tests histories::every\n{wrong}\nsteps:\n  {steps}",
            self.seed
        ))
    }
}

impl Checked {
    /// The violations as text; empty if there are none.
    pub fn wrong(&self) -> Option<String> {
        if self.wrong.is_empty() {
            return None;
        }
        let (wrong, steps) = (self.wrong.join("\n"), self.steps.join("\n  "));
        Some(format!(
            "again: MUSTER_SEED={} cargo nextest run -p muster-tests {}\n{wrong}\nsteps:\n  {steps}",
            self.seed, self.test
        ))
    }

    /// Runs histories of random seeds. Returns the counts of all.
    ///
    /// # Panics
    ///
    /// If one has a violation.
    #[expect(clippy::print_stdout, reason = "shown with a test that fails")]
    pub fn total(count: usize, of_seed: impl Fn(u64) -> Self) -> Counts {
        let mut total = Counts::default();
        for seed in seeds(count) {
            let history = of_seed(seed);
            if let Some(wrong) = history.wrong() {
                panic!("{wrong}");
            }
            total.add(&history.counts);
        }
        println!("{total:?}");
        total
    }
}

/// The time at the start of a history whose clock is set ahead.
const START: i64 = 1_795_219_200_000;

/// A clock that can be set ahead by milliseconds, and advances one on each read, with reproducible ids.
fn clock_ahead(ahead: Arc<AtomicI64>) -> Clock {
    Clock::from_fn(move || {
        let look = ahead.fetch_add(1, Ordering::Relaxed);
        let time = Timestamp::from_millisecond(START + look).unwrap();
        (time, Uuid::from_u128(u128::from(look.unsigned_abs())))
    })
}

/// The thread runs nothing else.
fn alone<T: Send + 'static>(seed: u64, history: impl Future<Output = T> + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(history)
    });
    thread
        .join()
        .unwrap_or_else(|_| panic!("MUSTER_SEED={seed}: the history ended early"))
}

/// Random seeds: printed, and repeated with `MUSTER_SEED`.
#[expect(clippy::print_stdout, reason = "shown with a test that fails")]
pub fn seeds(count: usize) -> Vec<u64> {
    let seeds = match std::env::var("MUSTER_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => std::iter::repeat_with(|| fastrand::u64(..1_000_000))
            .take(count)
            .collect(),
    };
    println!("MUSTER_SEED={seeds:?}");
    seeds
}

fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::Throttle => "throttled",
        Fault::Conflict => "transaction conflict",
        Fault::ItemConflict => "item conflict",
        Fault::CancelledByThrottling => "transaction throttled",
        Fault::Failure(500) => "500",
        Fault::Failure(_) => "503",
        Fault::CutBefore => "cut before",
        Fault::CutAfter => "cut after it was applied",
        Fault::CutWithin => "cut within the answer",
        Fault::Delay(_) => "delay",
        Fault::CancelledByValidation => "cancelled by validation",
        Fault::InProgress => "in progress",
        Fault::Validation => "validation",
        Fault::LeaveOut => "left out",
    }
}
