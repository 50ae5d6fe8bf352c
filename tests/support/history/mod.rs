//! Random histories: a few people do at once what comes to mind, DynamoDB fails now and then, and in the
//! end every answer must be one that somebody would have got who was alone.

mod conduct;
pub mod linear;
pub mod logins;
pub mod requests;
pub mod spec;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use linear::{Seen, explain};
use spec::{Answer, Operation, Spec};

use crate::Fault;

/// What came of one history.
#[derive(Debug)]
pub struct History {
    /// What it was made of: the same again gives the same again.
    pub seed: u64,
    /// The state before it.
    pub start: Spec,
    /// What was done, in the order of the beginnings.
    pub seen: Vec<Seen<Operation, Answer>>,
    /// Whether DynamoDB forgot what it had applied. Then a write that is sent again, and that somebody
    /// has written over in between, may be told to be refused: the answers are not judged.
    pub is_forgetful: bool,
    /// What is wrong with the table afterwards.
    pub violations: Vec<String>,
    /// Every step: what was begun, and which call was let go into which fault.
    pub steps: Vec<String>,
    /// How often what happened.
    pub counts: Counts,
}

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests, by what they are.
    pub operations: BTreeMap<&'static str, u64>,
    /// Calls to DynamoDB that failed, by how.
    pub faults: BTreeMap<&'static str, u64>,
    /// Answers, by status and code.
    pub outcomes: BTreeMap<String, u64>,
    /// Calls to DynamoDB.
    pub calls: u64,
    /// Calls that were let go while those of other requests waited.
    pub overtaking: u64,
}

impl Counts {
    /// Adds those of another history.
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
    /// Makes it happen, on a thread of its own.
    pub fn of_seed(seed: u64) -> Self {
        alone(seed, conduct::history(seed))
    }

    /// What is wrong with it, in words; nothing if all is well.
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

/// On a thread of its own, so that nothing but the history is on it.
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

/// Seeds that differ from run to run: printed, and given again by `MUSTER_SEED`.
#[allow(clippy::print_stdout)] // shown with a test that fails
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
