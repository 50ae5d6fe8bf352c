//! Searches the state machine at length, and prints what came of it as a table.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to whoever started it"
)]

use std::process::ExitCode;

use clap::Parser;
use muster_model::scopes::{self, Searched};

/// Searches the state machine of the store's transactions to its end.
#[derive(Parser)]
struct Arguments {
    /// Only what the tests search.
    #[arg(long)]
    short: bool,
}

fn main() -> ExitCode {
    let mut scopes = scopes::short();
    if !Arguments::parse().short {
        scopes.extend(scopes::long());
    }
    println!("| Searched | States | Steps | Longest way | Violations |");
    println!("|---|---|---|---|---|");
    let mut has_failed = false;
    for (name, scope) in scopes {
        eprintln!("{name} ...");
        let searched = scopes::search(scope);
        let Searched {
            states,
            steps,
            depth,
            took,
            violations,
            is_complete,
            ..
        } = &searched;
        eprintln!("{name}: {states} states in {:.1} s", took.as_secs_f64());
        for (property, way) in violations {
            eprintln!("\nviolated: {property}\n{way}\n");
        }
        println!(
            "| {name} | {} | {} | {depth} | {} |",
            grouped(*states),
            grouped(*steps),
            if *is_complete { "none" } else { "**yes**" }
        );
        has_failed |= !is_complete;
    }
    if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// `1,234,567`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
