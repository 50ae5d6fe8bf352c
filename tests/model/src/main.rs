//! Runs the long searches of the state machine and prints the results as a table.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program prints to its user"
)]

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Parser;
use muster_model::scope::Scope;
use muster_model::scopes::{self, Searched};

const HEAD: &str = "\
| Searched | Organizations | Concurrent requests | Roles | Statuses | Logins | Invitations by email | Disabled users | Lost responses | States | Steps | Longest path | Violations |
|---|--:|--:|---|---|---|---|---|---|--:|--:|--:|---|
";

/// Searches all states of the store's transactions.
#[derive(Parser)]
struct Arguments {
    /// Only the searches of the tests.
    #[arg(long)]
    short: bool,
}

fn main() -> ExitCode {
    let mut scopes = scopes::short();
    if !Arguments::parse().short {
        scopes.extend(scopes::long());
    }
    // Printed at the end: a partial table would look complete.
    let mut table = HEAD.to_owned();
    let mut has_failed = false;
    for (name, scope) in scopes {
        eprintln!("{name} ...");
        let cells = scope_cells(&scope);
        let searched = scopes::search(scope, |states| {
            eprintln!("{name}: {} states so far", grouped(states));
        });
        let Searched {
            states,
            steps,
            depth,
            took,
            violations,
            is_complete,
            ..
        } = &searched;
        eprintln!(
            "{name}: {} states in {:.1} s",
            grouped(*states),
            took.as_secs_f64()
        );
        for (property, way) in violations {
            eprintln!("\nviolated: {property}\n{way}\n");
        }
        let _ = writeln!(
            table,
            "| {name} | {cells} | {} | {} | {depth} | {} |",
            grouped(*states),
            grouped(*steps),
            if *is_complete { "none" } else { "**yes**" }
        );
        has_failed |= !is_complete;
    }
    print!("{table}");
    if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The configuration of a scope, as the cells of a row.
fn scope_cells(scope: &Scope) -> String {
    let yes = |is: bool| if is { "yes" } else { "" };
    let roles: Vec<_> = scope.roles.iter().map(|role| role.as_str()).collect();
    let statuses: Vec<_> = scope
        .statuses
        .iter()
        .map(|status| status.as_str())
        .collect();
    format!(
        "{} | {} | {} | {} | {} | {} | {} | {}",
        scope.organizations,
        scope.at_once,
        roles.join(", "),
        statuses.join(", "),
        yes(scope.logins),
        yes(scope.invitations > 0),
        yes(scope.disables),
        yes(scope.lost_answers),
    )
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
