//! Mutation testing: changes the code in small ways, one at a time, and lists the changes that no
//! test notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use strum::{IntoStaticStr, VariantArray, VariantNames};

use crate::command::{output, program, status};
use crate::results::Results;
use crate::tools;

/// The file of the results so far.
pub(crate) const RESULTS: Results = Results {
    name: "mutants",
    title: "Mutants",
    command: "cargo xtask mutants",
    explained: "[Testing](../TESTING.md#mutants)",
};
const HEAD: &str = "| Part | Mutants | Tried | Do not compile | Noticed | Too slow | Not noticed |\n\
                    |---|--:|--:|--:|--:|--:|--:|\n";
/// Time limit of the tests for one mutant, in seconds. The tests of the package take a few seconds,
/// the stories a minute.
const DOMAIN_TIME: &str = "90";
const STORE_TIME: &str = "600";
/// Leaves out the stories of documents and those that start programs: other stories find the same
/// faults in the store sooner.
const OF_THE_STORE: &str =
    "not test(/^(binaries|cognito|decisions|events|openapi|page|readme|schemathesis)::/)";

/// Exit codes of a run with results: all caught, some missed, some timed out; and that of
/// `timeout`.
const ENDED: [i32; 4] = [0, 2, 3, 124];

/// The code to mutate.
#[derive(Clone, Copy, Debug, ValueEnum, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(crate) enum Part {
    /// `domain/src`, with the tests of its package.
    Domain,
    /// `shared/src/store`, with those and the stories.
    Store,
}

/// How much of a part to mutate.
#[derive(Debug, clap::Args)]
pub(crate) struct Extent {
    /// A share: `1/8` is the second of eight. Tests all of it, including mutants that were caught
    /// before.
    #[arg(long)]
    shard: Option<String>,
    /// Time limit, in minutes. `--continue` continues afterwards.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: Option<u32>,
    /// Add to the results of the last runs, and skip the mutants they caught.
    #[arg(long = "continue")]
    continues: bool,
}

/// The results of mutants, by name.
type MutantOutcomes = BTreeMap<String, MutantOutcome>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
enum MutantOutcome {
    DoesNotCompile,
    Noticed,
    TooSlow,
    NotNoticed,
}

impl Part {
    const fn package(self) -> &'static str {
        match self {
            Self::Domain => "muster-domain",
            Self::Store => "muster",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Domain => "domain/src/",
            Self::Store => "shared/src/store/",
        }
    }
}

impl MutantOutcome {
    /// The file in which cargo-mutants lists the mutants with this result.
    const fn file(self) -> &'static str {
        match self {
            Self::DoesNotCompile => "unviable.txt",
            Self::Noticed => "caught.txt",
            Self::TooSlow => "timeout.txt",
            Self::NotNoticed => "missed.txt",
        }
    }
}

/// Mutates a part.
pub(crate) fn mutants(root: &Path, part: Part, extent: &Extent) -> Result<()> {
    let place = root.join("target").join("mutants").join(part.into_str());
    let (last, earlier) = (place.join("mutants.out"), place.join("earlier"));
    fs::create_dir_all(&earlier)?;
    // The results of an interrupted run count too.
    let mut found = read(&earlier)?;
    found.extend(read(&last)?);
    if !extent.continues {
        found.clear();
    }
    keep(&earlier, &found)?;
    // The folder in which cargo-mutants looks for mutants to skip.
    fs::create_dir_all(&last)?;
    keep(&last, &found)?;

    let tool = tools::cargo_mutants(root)?;
    let files = format!("{}**/*.rs", part.folder());
    let chosen = ["mutants", "--package", part.package(), "-f", &files];
    let all = output(program(&tool, root).args(chosen).arg("--list"))?;
    let all: BTreeSet<_> = all.lines().map(str::to_owned).collect();

    let mut command = command(root, &tool, extent);
    command.args(chosen).arg("--baseline=skip");
    command.arg("--output").arg(&place);
    // Reuses the compiled third-party crates.
    command.env("CARGO_TARGET_DIR", root.join("target"));
    if let Some(shard) = &extent.shard {
        command.args(["--sharding", "round-robin", "--shard", shard]);
    }
    // A share of the remaining mutants would be a different one each time.
    if extent.continues && extent.shard.is_none() {
        command.arg("--iterate");
    }
    match part {
        Part::Domain => command.args(["--timeout", DOMAIN_TIME, "--", "--lib"]),
        Part::Store => command
            .args(["--timeout", STORE_TIME, "--test-tool", "nextest"])
            .args(["--test-package", "muster", "--test-package", "muster-tests"])
            .args(["--", "--profile", "mutants", "-E", OF_THE_STORE]),
    };
    let ended = status(&mut command)?;
    if !ended.code().is_some_and(|code| ENDED.contains(&code)) {
        bail!("cargo-mutants ended with {ended}");
    }
    found.extend(read(&last)?);
    // Drops mutants of code that has changed since.
    found.retain(|mutant, _| all.contains(mutant));
    keep(&earlier, &found)?;
    write(root, part, all.len(), &found)
}

/// Runs cargo-mutants, which stops cleanly at its time limit.
fn command(root: &Path, tool: &Path, extent: &Extent) -> Command {
    let Some(minutes) = extent.minutes else {
        return program(tool, root);
    };
    let mut command = program(Path::new("timeout"), root);
    command
        .args(["--foreground", "--signal=INT", &format!("{minutes}m")])
        .arg(tool);
    command
}

/// The mutants listed in a folder.
fn read(folder: &Path) -> Result<MutantOutcomes> {
    let mut found = MutantOutcomes::new();
    for &outcome in MutantOutcome::VARIANTS {
        let file = folder.join(outcome.file());
        if file.exists() {
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            found.extend(text.lines().map(|mutant| (mutant.to_owned(), outcome)));
        }
    }
    Ok(found)
}

fn keep(folder: &Path, found: &MutantOutcomes) -> Result<()> {
    for &outcome in MutantOutcome::VARIANTS {
        let listed = found.iter().filter(|(_, it)| **it == outcome);
        let listed: Vec<_> = listed.map(|(mutant, _)| mutant.as_str()).collect();
        fs::write(folder.join(outcome.file()), listed.join("\n"))?;
    }
    Ok(())
}

fn row(name: &str, all: usize, found: &MutantOutcomes) -> String {
    let counts = MutantOutcome::VARIANTS.iter().map(|outcome| {
        let count = found.values().filter(|it| *it == outcome).count();
        count.to_string()
    });
    let counts: Vec<_> = counts.collect();
    format!(
        "| {name} | {all} | {} | {} |",
        found.len(),
        counts.join(" | ")
    )
}

/// A mutant, `file:line:column: change`, as a list item.
fn item(mutant: &str) -> String {
    let (file, rest) = mutant.split_once(':').unwrap_or((mutant, ""));
    let (place, what) = rest.split_once(": ").unwrap_or(("", rest));
    format!("- `{file}` {place}: `{what}`")
}

/// Replaces the row of the part and the list of its missed mutants.
fn write(root: &Path, part: Part, all: usize, found: &MutantOutcomes) -> Result<()> {
    let last = RESULTS.read(root)?;
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for &name in Part::VARIANTS {
        let start = format!("| {name} |");
        let there = last.lines().find(|line| line.starts_with(&start));
        rows.extend(there.map(|line| (name, line.to_owned())));
    }
    rows.insert(part.into_str(), row(part.into_str(), all, found));
    let of_part = format!("- `{}", part.folder());
    let others = last
        .lines()
        .filter(|line| line.starts_with("- `") && !line.starts_with(&of_part));
    let mut live: Vec<String> = others.map(str::to_owned).collect();
    let missed = found
        .iter()
        .filter(|(_, it)| **it == MutantOutcome::NotNoticed);
    live.extend(missed.map(|(mutant, _)| item(mutant)));
    live.sort();
    let rows: Vec<_> = rows.into_values().collect();
    let mut content = format!("{HEAD}{}\n", rows.join("\n"));
    if !live.is_empty() {
        content.push_str("\nMissed mutants:\n\n");
        content.push_str(&live.join("\n"));
    }
    RESULTS.write(root, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summarized_in_one_row() {
        let found = |mutants: &[(&str, MutantOutcome)]| -> MutantOutcomes {
            let mutants = mutants.iter();
            mutants
                .map(|(name, it)| ((*name).to_owned(), *it))
                .collect()
        };
        let mut all = found(&[
            ("a", MutantOutcome::NotNoticed),
            ("b", MutantOutcome::Noticed),
            ("c", MutantOutcome::DoesNotCompile),
        ]);
        // A later run, after a test was added.
        all.extend(found(&[
            ("a", MutantOutcome::Noticed),
            ("d", MutantOutcome::NotNoticed),
        ]));
        assert_eq!(row("domain", 9, &all), "| domain | 9 | 4 | 1 | 2 | 0 | 1 |");
    }

    #[test]
    fn missed_mutants_are_listed_with_their_file() {
        let mutant = "shared/src/store/keys.rs:261:25: replace > with >= in cut";
        assert_eq!(
            item(mutant),
            "- `shared/src/store/keys.rs` 261:25: `replace > with >= in cut`"
        );
    }

    #[test]
    fn results_are_stored_for_the_next_run() {
        let folder = format!("muster-mutants-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let found = MutantOutcome::VARIANTS.iter();
        let found = found.map(|outcome| (format!("{outcome:?}"), *outcome));
        let found: MutantOutcomes = found.collect();
        keep(&folder, &found).unwrap();
        let kept = read(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(kept, found);
    }
}
