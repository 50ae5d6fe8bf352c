//! Runs the long checks and records their results.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::command::{cargo, outcome, output, program};
use crate::results::Results;

/// The files of the parts, in order.
pub(crate) const RESULTS: [Results; 3] = [
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
];

/// A part of the proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The search of the state machine.
    Search,
    /// Random histories of requests.
    Histories,
    /// Random histories of logins.
    Logins,
}

/// Runs the given parts, or all.
pub(crate) fn proofs(
    root: &Path,
    chosen: &[Part],
    [histories, logins]: [u64; 2],
    seed: Option<u64>,
) -> Result<()> {
    let all = Part::value_variants();
    let is_chosen = |part: &&Part| chosen.is_empty() || chosen.contains(part);
    let (mut failed, mut unbelieved) = (Vec::new(), Vec::new());
    for part in all.iter().filter(is_chosen) {
        let mut command = part.command(root, [histories, logins], seed);
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

impl Part {
    fn results(self) -> Results {
        let [search, histories, logins] = RESULTS;
        match self {
            Self::Search => search,
            Self::Histories => histories,
            Self::Logins => logins,
        }
    }

    fn command(self, root: &Path, [histories, logins]: [u64; 2], seed: Option<u64>) -> Command {
        let mut command = cargo(root);
        command.args(["run", "--quiet", "--profile", "measure", "--package"]);
        match self {
            Self::Search => command.arg("muster-model"),
            Self::Histories | Self::Logins => {
                command.args(["muster-tests", "--bin", "histories", "--"])
            }
        };
        match self {
            Self::Search => return command,
            Self::Histories => command.args(["--count", &histories.to_string()]),
            Self::Logins => command.args(["--logins", "--count", &logins.to_string()]),
        };
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
