//! The results of mutants: kept for the next run, and written for readers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use strum::{VariantArray, VariantNames as _};

use super::MutatedPart;
use crate::results::Results;

/// The file of the results so far.
pub(crate) const RESULTS: Results = Results {
    name: "mutants",
    title: "Mutants",
    command: "cargo xtask mutants",
    explained: "[Testing](../TESTING.md#mutants)",
};
const HEAD: &str = "| Part | Mutants | Tried | Do not compile | Noticed | Too slow | Not noticed |\n\
                    |---|--:|--:|--:|--:|--:|--:|\n";
/// The results of mutants, by name.
pub(super) type MutantOutcomes = BTreeMap<String, MutantOutcome>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(super) enum MutantOutcome {
    DoesNotCompile,
    Noticed,
    TooSlow,
    NotNoticed,
}

impl MutantOutcome {
    /// The file that lists the mutants with this result.
    const fn file(self) -> &'static str {
        match self {
            Self::DoesNotCompile => "unviable.txt",
            Self::Noticed => "caught.txt",
            Self::TooSlow => "timeout.txt",
            Self::NotNoticed => "missed.txt",
        }
    }
}

/// The mutants listed in a folder.
pub(super) fn read(folder: &Path) -> Result<MutantOutcomes> {
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

pub(super) fn keep(folder: &Path, found: &MutantOutcomes) -> Result<()> {
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

/// Prints the results of the mutants in changed lines. Fails if one was not tried, or no test notices it.
pub(super) fn of_changes(part: MutatedPart, all: usize, found: &MutantOutcomes) -> Result<()> {
    println!("{HEAD}{}", row(part.into_str(), all, found));
    let untried = all - found.len();
    ensure!(untried == 0, "{untried} mutants were not tried");
    let missed = found
        .iter()
        .filter(|(_, it)| **it == MutantOutcome::NotNoticed);
    let missed: Vec<_> = missed.map(|(mutant, _)| item(mutant)).collect();
    ensure!(
        missed.is_empty(),
        "no test notices these:\n{}",
        missed.join("\n")
    );
    Ok(())
}

/// Replaces the row of the part and the list of its missed mutants.
pub(super) fn write(
    root: &Path,
    part: MutatedPart,
    all: usize,
    found: &MutantOutcomes,
) -> Result<()> {
    let last = RESULTS.read(root)?;
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for &name in MutatedPart::VARIANTS {
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
    fn a_missed_mutant_in_changed_lines_fails() {
        let mutant = "shared/src/store/keys.rs:261:25: replace > with >= in cut";
        let found = |outcome| MutantOutcomes::from([(mutant.to_owned(), outcome)]);
        let noticed = found(MutantOutcome::Noticed);
        assert!(of_changes(MutatedPart::Store, 1, &noticed).is_ok());
        assert!(of_changes(MutatedPart::Store, 2, &noticed).is_err());
        let missed = of_changes(MutatedPart::Store, 1, &found(MutantOutcome::NotNoticed));
        let message = missed.unwrap_err().to_string();
        assert!(message.contains("replace > with >= in cut"), "{message}");
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
