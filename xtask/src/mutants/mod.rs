//! Mutation testing: changes the code in small ways, one at a time, and lists the changes that no test notices.
//!
//! All mutants of a part are built at once, each beside the code that it replaces ([`instrument`]). An environment
//! variable chooses one. First each test runs without a mutant, to learn which ones it reaches; then each mutant meets
//! the tests that reach it, until one fails.

mod build;
mod instrument;
mod list;
mod results;
mod trial;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;
use strum::{IntoStaticStr, VariantNames};

use crate::step::SLOW;

use self::results::MutantOutcome;
#[cfg(test)]
pub(crate) use self::results::RESULTS;

/// Modules of stories about documents. They try no mutant, like the slow ones: other stories reach the same code sooner.
const OF_DOCUMENTS: [&str; 2] = ["decisions", "readme"];

/// The code to mutate.
#[derive(Clone, Copy, Debug, ValueEnum, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(crate) enum MutatedPart {
    /// `domain/src`, with the tests of its package.
    Domain,
    /// `shared/src/store`, with those, the tests of its own package and the stories.
    Store,
}

/// How much of a part to mutate.
#[derive(Debug, clap::Args)]
pub(crate) struct Extent {
    /// Time limit for trying mutants, in minutes. `--continue` continues afterwards.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: Option<u32>,
    /// Add to the results of the last runs, and skip the mutants that were noticed.
    #[arg(long = "continue")]
    continues: bool,
    /// Only mutants in lines that changed after this commit. Prints those that no test notices, and leaves the results of
    /// the whole part as they are.
    #[arg(long, value_name = "COMMIT", conflicts_with = "continues")]
    since: Option<String>,
}

impl MutatedPart {
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

    /// The part of the workspace that Cargo builds. For the stories all of it, so that the features of libraries stay
    /// the same.
    const fn selection(self) -> &'static [&'static str] {
        match self {
            Self::Domain => &["--package", "muster-domain", "--lib"],
            Self::Store => &["--workspace", "--lib", "--test", "stories"],
        }
    }

    /// The test programs, by the names of their targets.
    const fn targets(self) -> &'static [&'static str] {
        match self {
            Self::Domain => &["muster_domain"],
            Self::Store => &["muster_domain", "muster", "stories"],
        }
    }

    /// The path of the function that returns whether a mutant is chosen.
    const fn is_chosen(self) -> &'static str {
        match self {
            Self::Domain => "crate::chosen_mutant::is_chosen",
            Self::Store => "::muster_domain::chosen_mutant::is_chosen",
        }
    }
}

/// Mutates a part.
pub(crate) fn mutants(root: &Path, part: MutatedPart, extent: &Extent) -> Result<()> {
    let folder = root.join("target").join("mutants");
    let earlier = match extent.since {
        Some(_) => folder.join("changed"),
        None => folder.join(part.into_str()),
    };
    fs::create_dir_all(&earlier)?;
    let listed = list::list(root, part, extent.since.as_deref())?;
    if extent.since.is_some() && listed.is_empty() {
        eprintln!("no mutant in a changed line");
        return Ok(());
    }
    let built = build::build(root, &folder, part, &listed)?;

    let mut found = results::MutantOutcomes::new();
    if extent.continues {
        found = results::read(&earlier)?;
        // Drops mutants of code that has changed since, and those that are tried again.
        let names: BTreeSet<_> = listed.iter().map(|mutant| mutant.name.as_str()).collect();
        found.retain(|name, outcome| {
            names.contains(name.as_str())
                && matches!(outcome, MutantOutcome::Noticed | MutantOutcome::TooSlow)
        });
    }
    let all = listed.iter().enumerate();
    for (_, mutant) in all.clone().filter(|(id, _)| !built.mutants.contains(id)) {
        found.insert(mutant.name.clone(), MutantOutcome::DoesNotCompile);
    }
    let open = all.filter(|(_, mutant)| !found.contains_key(&mutant.name));
    let open: Vec<_> = open.collect();

    let left_out: Vec<_> = SLOW.into_iter().chain(OF_DOCUMENTS).collect();
    let tests = trial::tests(root, &built, &left_out)?;
    let minutes = extent.minutes.map(|it| Duration::from_mins(it.into()));
    let deadline = minutes.map(|it| Instant::now() + it);
    let found = Mutex::new(found);
    trial::trials(root, &tests, open, deadline, |mutant, outcome| {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(mutant.name.clone(), outcome);
        results::keep(&earlier, &found)
    })?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if extent.since.is_some() {
        return results::of_changes(part, listed.len(), &found);
    }
    results::write(root, part, listed.len(), &found)
}
