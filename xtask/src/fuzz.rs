//! Runs the fuzz targets and records the results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, errors, program, run};
use crate::results::Results;
use crate::tools;

/// The results of the last run of each target.
pub(crate) const RESULTS: Results = Results {
    name: "fuzz",
    title: "Fuzzing",
    command: "cargo xtask fuzz",
    explained: "[Testing](../TESTING.md#fuzzing)",
};
/// Longest input, in bytes. A body with all fields is shorter.
const MAX_INPUT: usize = 2_048;
/// Memory limit of a target, in megabytes.
const MAX_MEMORY: u32 = 1_024;
/// Time limit of one input, in seconds.
const MAX_TIME: u32 = 10;
const HEAD: &str = "| Target | Seconds | Inputs | Edges of the code | Peak memory | Broken by |\n\
                    |---|--:|--:|--:|--:|--:|\n";

/// Runs the given targets, or all, for a number of seconds each.
pub(crate) fn fuzz(root: &Path, chosen: &[String], seconds: u32) -> Result<()> {
    let folder = root.join("fuzz");
    let targets = names(&folder.join("fuzz_targets"))?;
    if let Some(unknown) = chosen.iter().find(|target| !targets.contains(target)) {
        bail!(
            "no target {unknown}; the targets are {}",
            targets.join(", ")
        );
    }
    let seeds = folder.join("target").join("seeds");
    run(cargo(root)
        .args([
            "run",
            "--quiet",
            "--package",
            "muster-properties",
            "--bin",
            "seeds",
        ])
        .arg(&seeds))?;
    // No sanitizer: there is no unsafe code to find faults in, and stable Rust has none.
    run(program(&tools::cargo_fuzz(root)?, &folder).args(["build", "--sanitizer", "none"]))?;
    let mut broken = Vec::new();
    for target in targets
        .iter()
        .filter(|target| chosen.is_empty() || chosen.contains(target))
    {
        let row = one(&folder, &seeds, target, seconds)?;
        if !row.ends_with("| 0 |") {
            broken.push(target.as_str());
        }
        let mut rows = rows(&RESULTS.read(root)?);
        rows.insert(target.clone(), row);
        rows.retain(|target, _| targets.contains(target));
        let rows: Vec<_> = rows.into_values().collect();
        RESULTS.write(root, &format!("{HEAD}{}\n", rows.join("\n")))?;
    }
    if !broken.is_empty() {
        bail!("inputs that break a property are in fuzz/artifacts/: {broken:?}");
    }
    Ok(())
}

/// Runs one target and returns its row of the table. New inputs stay for the next run and are not
/// committed.
fn one(folder: &Path, seeds: &Path, target: &str, seconds: u32) -> Result<String> {
    let [corpus, work, artifacts] = [("corpus", ""), ("target/found", ""), ("artifacts", "/")]
        .map(|(place, end)| PathBuf::from(format!("{}/{place}/{target}{end}", folder.display())));
    for place in [&corpus, &work, &artifacts] {
        fs::create_dir_all(place).with_context(|| place.display().to_string())?;
    }
    let before = names(&artifacts)?.len();
    let fuzzer = built(folder, target)?;
    let (status, printed) = errors(
        program(&fuzzer, folder)
            .args([&work, &corpus, &seeds.join(target)])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_INPUT}"))
            .arg(format!("-rss_limit_mb={MAX_MEMORY}"))
            .arg(format!("-timeout={MAX_TIME}"))
            .arg(format!("-artifact_prefix={}", artifacts.display()))
            .arg("-print_final_stats=1"),
    )?;
    let new = names(&artifacts)?.len() - before;
    let summary = Summary::read(&printed);
    if summary.inputs == 0 && new == 0 {
        bail!("{target} ended with {status} before it tried an input");
    }
    // An input that was found before has a file already.
    let broken = if status.success() { 0 } else { new.max(1) };
    Ok(format!(
        "| {target} | {seconds} | {} | {} | {} MB | {broken} |",
        summary.inputs, summary.edges, summary.memory,
    ))
}

/// The statistics that a run prints at its end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Summary {
    inputs: u64,
    edges: u64,
    memory: u64,
}

impl Summary {
    fn read(printed: &str) -> Self {
        let mut summary = Self::default();
        for line in printed.lines() {
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                let place = match word {
                    "stat::number_of_executed_units:" => &mut summary.inputs,
                    "stat::peak_rss_mb:" => &mut summary.memory,
                    "cov:" => &mut summary.edges,
                    _ => continue,
                };
                if let Some(number) = words.next().and_then(|number| number.parse().ok()) {
                    *place = number;
                }
            }
        }
        summary
    }
}

/// The rows of the table, by target.
fn rows(text: &str) -> BTreeMap<String, String> {
    let (_, table) = text.split_once(HEAD).unwrap_or_default();
    let rows = table.lines().filter_map(|row| {
        let target = row.strip_prefix("| ")?.split(' ').next()?;
        Some((target.to_owned(), row.to_owned()))
    });
    rows.collect()
}

/// The program of a target. Its folder depends on this machine's architecture.
fn built(folder: &Path, target: &str) -> Result<PathBuf> {
    let machines = folder.join("target").read_dir()?.filter_map(Result::ok);
    let mut programs = machines.map(|machine| machine.path().join("release").join(target));
    programs
        .find(|program| program.is_file())
        .with_context(|| format!("{target} was not built"))
}

/// The names of the files in a folder, without extensions.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = folder
        .read_dir()
        .with_context(|| folder.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.push(name.split('.').next().unwrap_or_default().to_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_statistics_are_read() {
        let printed = "#2\tINITED cov: 12 ft: 13 corp: 1/1b\n#9\tNEW    cov: 34 ft: 50\n\
                    stat::number_of_executed_units: 4096\nstat::peak_rss_mb:   47\n";
        let (inputs, edges, memory) = (4096, 34, 47);
        assert_eq!(
            Summary::read(printed),
            Summary {
                inputs,
                edges,
                memory
            }
        );
    }

    #[test]
    fn every_target_has_results() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let rows = rows(&RESULTS.read(root).unwrap());
        let targets = names(&root.join("fuzz/fuzz_targets")).unwrap();
        assert_eq!(rows.into_keys().collect::<Vec<_>>(), targets);
    }

    #[test]
    fn rows_of_other_targets_are_kept() {
        let table = format!("# Title\n\n{HEAD}| a | 1 |\n| b | 2 |\n");
        let rows = rows(&table);
        assert_eq!(rows.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(rows["b"], "| b | 2 |");
    }
}
