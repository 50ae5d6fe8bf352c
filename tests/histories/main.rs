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

use clap::Parser;
use support::history::{self, Counts, History};

/// Random concurrent histories: of requests, checked against a sequential model, of logins, or of a domain.
#[derive(Parser)]
struct Arguments {
    /// The number of histories.
    #[arg(long, default_value_t = 5000)]
    count: u64,
    /// Histories of logins instead of requests.
    #[arg(long)]
    logins: bool,
    /// Histories of a verified domain instead of requests.
    #[arg(long, conflicts_with = "logins")]
    domains: bool,
    /// The first seed; the others follow it. Defaults to a random one.
    #[arg(long)]
    seed: Option<u64>,
    /// Concurrent histories.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let Arguments {
        count,
        logins,
        domains,
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
                    let (counts, wrong) = if logins {
                        let history = history::logins::of_seed(seed);
                        (history.counts.clone(), history.wrong())
                    } else if domains {
                        let history = history::domains::of_seed(seed);
                        (history.counts.clone(), history.wrong())
                    } else {
                        let history = History::of_seed(seed);
                        (history.counts.clone(), history.wrong())
                    };
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
