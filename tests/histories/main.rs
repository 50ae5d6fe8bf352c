//! Runs a number of random histories and prints the results as a table. Prints the seed of each
//! failed history, which reproduces it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program prints to its user"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done ends the program")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use support::history::{self, Counts, History};

/// Random concurrent histories, each checked as `docs/PROOFS.md` describes.
#[derive(Parser)]
struct Arguments {
    /// What the histories are made of.
    kind: HistoryKind,
    /// The number of histories.
    #[arg(long, default_value_t = 5000)]
    count: u64,
    /// The first seed; the others follow it. Defaults to a random one.
    #[arg(long)]
    seed: Option<u64>,
    /// Concurrent histories.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HistoryKind {
    /// Requests, checked against a sequential model.
    Requests,
    /// Logins of users from a directory, among changes of the directory and manual changes.
    Logins,
    /// A verified domain: logins, changes of the domain, and weekly checks.
    Domains,
}

impl HistoryKind {
    /// Runs a history. Returns its counts and its violations as text.
    fn of_seed(self, seed: u64) -> (Counts, Option<String>) {
        let checked = match self {
            Self::Requests => {
                let history = History::of_seed(seed);
                let wrong = history.wrong();
                return (history.counts, wrong);
            }
            Self::Logins => history::logins::of_seed(seed),
            Self::Domains => history::domains::of_seed(seed),
        };
        let wrong = checked.wrong();
        (checked.counts, wrong)
    }
}

fn main() -> ExitCode {
    let Arguments {
        kind,
        count,
        seed,
        threads,
    } = Arguments::parse();
    let first = seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let threads = threads
        .or_else(|| std::thread::available_parallelism().map(usize::from).ok())
        .unwrap_or(1);
    let (next, started) = (AtomicU64::new(0), Instant::now());
    let total = Mutex::new((Counts::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let done = next.fetch_add(1, Ordering::Relaxed);
                    if done >= count {
                        return;
                    }
                    let seed = first + done;
                    let (counts, wrong) = kind.of_seed(seed);
                    if let Some(wrong) = &wrong {
                        eprintln!("\n{wrong}");
                    }
                    let mut total = total.lock().unwrap();
                    total.0.add(&counts);
                    total.1.extend(wrong.map(|_| seed));
                    if done % 50 == 49 {
                        let seconds = started.elapsed().as_secs();
                        eprintln!(
                            "{} of {count} histories, {} wrong, {seconds} s",
                            done + 1,
                            total.1.len()
                        );
                    }
                }
            });
        }
    });
    let (counts, wrong) = total.into_inner().unwrap();
    print!("{}", counts.table(count, first, &wrong));
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
