//! Mutation testing: breaks the code in small ways, one at a time, and writes down what no test
//! noticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::command::{program, run};
use crate::{block, tools};

/// Where the last run is told, from the root of the repository.
const DOCUMENT: &str = "docs/TESTING.md";
const HEAD: &str = "| Part | Share | Mutants | Do not compile | Noticed | Too slow | Not noticed |\n\
                    |---|---|--:|--:|--:|--:|--:|\n";
/// Longest time of the tests for one mutant, in seconds. The tests of the package take a few, the
/// stories a minute.
const DOMAIN_TIME: &str = "90";
const STORE_TIME: &str = "600";

/// What is broken.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// `shared/src/domain`, by the tests of its package.
    Domain,
    /// `shared/src/store`, by those and the stories.
    Store,
}

/// Breaks a part, or a share of it (`1/8`).
pub(crate) fn mutants(root: &Path, part: Part, shard: Option<&str>) -> Result<()> {
    let name = match part {
        Part::Domain => "domain",
        Part::Store => "store",
    };
    let place = root.join("target").join("mutants").join(name);
    let mut command = program(&tools::cargo_mutants(root)?, root);
    command
        .args(["mutants", "--package", "muster", "--baseline=skip"])
        .args(["-f", &format!("shared/src/{name}/**/*.rs")])
        .arg("--output")
        .arg(&place)
        // What is compiled of other people's crates is used again.
        .env("CARGO_TARGET_DIR", root.join("target"));
    if let Some(shard) = shard {
        command.args(["--sharding", "round-robin", "--shard", shard]);
    }
    match part {
        Part::Domain => command.args(["--timeout", DOMAIN_TIME, "--", "--lib"]),
        Part::Store => command
            .args(["--timeout", STORE_TIME, "--test-tool", "nextest"])
            .args(["--test-package", "muster", "--test-package", "muster-tests"])
            // Those that build and start programs say nothing about the store.
            .args([
                "--",
                "-E",
                "not test(/^(binaries|cognito|events|page|readme)::/)",
            ]),
    };
    fs::create_dir_all(&place)?;
    // It fails when a mutant lives, which is told below.
    let ran = run(&mut command);
    let outcomes = place.join("mutants.out").join("outcomes.json");
    let outcomes = fs::read_to_string(outcomes).or_else(|_| ran.map(|()| String::new()))?;
    let missed = fs::read_to_string(place.join("mutants.out").join("missed.txt"));
    let row = row(name, shard.unwrap_or("all"), &outcomes)?;
    write(&root.join(DOCUMENT), name, row, &missed.unwrap_or_default())
}

fn row(name: &str, share: &str, outcomes: &str) -> Result<String> {
    let outcomes: serde_json::Value = serde_json::from_str(outcomes)?;
    let count = |what: &str| {
        let count = outcomes.get(what).and_then(serde_json::Value::as_u64);
        count.with_context(|| format!("cargo-mutants tells no {what}"))
    };
    Ok(format!(
        "| {name} | {share} | {} | {} | {} | {} | {} |",
        count("total_mutants")?,
        count("unviable")?,
        count("caught")?,
        count("timeout")?,
        count("missed")?,
    ))
}

/// Replaces the row of the part, and the list of what lives in it.
fn write(document: &Path, name: &str, row: String, missed: &str) -> Result<()> {
    let block = block::read(document, "mutants")?;
    let begins = |part: &str| format!("- `shared/src/{part}/");
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for part in ["domain", "store"] {
        let start = format!("| {part} |");
        let found = block.lines().find(|line| line.starts_with(&start));
        rows.extend(found.map(|line| (part, line.to_owned())));
    }
    rows.insert(name, row);
    let others = block
        .lines()
        .filter(|line| line.starts_with("- `") && !line.starts_with(&begins(name)));
    let mut lives: Vec<String> = others.map(str::to_owned).collect();
    lives.extend(missed.lines().map(|mutant| format!("- `{mutant}`")));
    lives.sort();
    let rows: Vec<_> = rows.into_values().collect();
    let mut content = format!("{HEAD}{}\n", rows.join("\n"));
    if !lives.is_empty() {
        content.push_str("\nNot noticed by any test:\n\n");
        content.push_str(&lives.join("\n"));
    }
    block::write(document, "mutants", &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_run_is_one_row() {
        let outcomes =
            r#"{"total_mutants": 9, "unviable": 1, "caught": 6, "timeout": 0, "missed": 2}"#;
        let row = row("domain", "1/8", outcomes).unwrap();
        assert_eq!(row, "| domain | 1/8 | 9 | 1 | 6 | 0 | 2 |");
    }
}
