//! Runs the long checks and records their results.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::command::{cargo, outcome, output, program};
use crate::results::Results;

/// The files of the parts, in order.
pub(crate) const RESULTS: [Results; 4] = [
    Results {
        name: "search",
        title: "The search of the state machine",
        command: "cargo xtask proofs search",
        explained: "[Proofs](../PROOFS.md#the-search)",
    },
    Results {
        name: "histories",
        title: "The histories of requests",
        command: "cargo xtask proofs histories",
        explained: "[Proofs](../PROOFS.md#the-histories-of-requests)",
    },
    Results {
        name: "logins",
        title: "The histories of logins",
        command: "cargo xtask proofs logins",
        explained: "[Proofs](../PROOFS.md#the-histories-of-logins)",
    },
    Results {
        name: "domains",
        title: "The histories of a domain",
        command: "cargo xtask proofs domains",
        explained: "[Proofs](../PROOFS.md#the-histories-of-a-domain)",
    },
];

/// A part of the proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProofPart {
    /// The search of the state machine.
    Search,
    /// Random histories of requests.
    Histories,
    /// Random histories of logins.
    Logins,
    /// Random histories of a verified domain.
    Domains,
}

/// The number of histories of each kind.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Counts {
    /// The number of histories of requests.
    #[arg(long, default_value_t = 5000)]
    histories: u64,
    /// The number of histories of logins.
    #[arg(long, default_value_t = 2000)]
    logins: u64,
    /// The number of histories of a domain.
    #[arg(long, default_value_t = 2000)]
    domains: u64,
}

/// Runs the given parts, or all.
pub(crate) fn proofs(
    root: &Path,
    chosen: &[ProofPart],
    counts: Counts,
    seed: Option<u64>,
) -> Result<()> {
    let all = ProofPart::value_variants();
    let is_chosen = |part: &&ProofPart| chosen.is_empty() || chosen.contains(part);
    let (mut failed, mut unbelieved) = (Vec::new(), Vec::new());
    for part in all.iter().filter(is_chosen) {
        let mut command = part.command(root, counts, seed);
        // The commit that was run: HEAD may change during the run.
        let when = when(root)?;
        let (status, printed) = outcome(&mut command)?;
        // An unreliable result leaves the old text.
        let Some(holds) = judged(status.success(), &printed) else {
            unbelieved.push(format!("{} ({status})", part.results().name));
            continue;
        };
        let printed = format!("{when}\n\n{printed}");
        part.results().write(root, &printed)?;
        if !holds {
            failed.push(part.results().name);
        }
    }
    if !unbelieved.is_empty() {
        bail!("unreliable results: {unbelieved:?}; wrong: {failed:?}");
    }
    if !failed.is_empty() {
        bail!("docs/results/ has what is wrong: {failed:?}");
    }
    Ok(())
}

/// Whether everything holds, from a program's output. `None` if it did not finish: it printed no
/// table, or failed without naming a fault.
fn judged(succeeded: bool, printed: &str) -> Option<bool> {
    let (has_table, reports_fault) = (printed.contains("|---"), printed.contains("**"));
    (has_table && succeeded != reports_fault).then_some(succeeded)
}

impl ProofPart {
    fn results(self) -> Results {
        let [search, histories, logins, domains] = RESULTS;
        match self {
            Self::Search => search,
            Self::Histories => histories,
            Self::Logins => logins,
            Self::Domains => domains,
        }
    }

    fn command(self, root: &Path, counts: Counts, seed: Option<u64>) -> Command {
        let mut command = cargo(root);
        command.args(["run", "--quiet", "--profile", "measure", "--package"]);
        let (kind, count) = match self {
            Self::Search => {
                command.arg("muster-model");
                return command;
            }
            Self::Histories => ("requests", counts.histories),
            Self::Logins => ("logins", counts.logins),
            Self::Domains => ("domains", counts.domains),
        };
        command.args(["muster-tests", "--bin", "histories", "--", kind]);
        command.args(["--count", &count.to_string()]);
        if let Some(seed) = seed {
            command.args(["--seed", &seed.to_string()]);
        }
        command
    }
}

/// The date and the commit.
fn when(root: &Path) -> Result<String> {
    let day = output(program(Path::new("date"), root).args(["-u", "+%Y-%m-%d"]))?;
    let git = Path::new("git");
    let commit = output(program(git, root).args(["rev-parse", "--short", "HEAD"]))?;
    let changes = output(program(git, root).args(["status", "--porcelain", "--", "*.rs"]))?;
    let mark = if changes.is_empty() {
        ""
    } else {
        ", with changes"
    };
    Ok(format!("{}, commit {}{mark}:", day.trim(), commit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_results_are_accepted() {
        let table = "| Scope | States |\n|---|---|\n| all | 7 |\n";
        let wrong = format!("{table}\n**Wrong**: seed 7\n");
        assert_eq!(judged(true, table), Some(true));
        assert_eq!(judged(false, &wrong), Some(false));
        for (succeeded, printed) in [
            (false, table),
            (true, wrong.as_str()),
            (true, ""),
            (false, ""),
        ] {
            assert_eq!(judged(succeeded, printed), None, "{printed}");
        }
    }
}
