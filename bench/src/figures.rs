//! Measurements with their spread and machine, and the files that store them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The values of each round. Rounds of all functions alternate, so that other load of the machine
/// affects all alike, and ratios compare values of the same round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

/// The median of the rounds, the minimum and the maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Rounds {
    pub(crate) fn spread(&self) -> Option<Spread> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Spread {
            median: *sorted.get(sorted.len() / 2)?,
            least: *sorted.first()?,
            most: *sorted.last()?,
        })
    }

    /// The ratio of two measurements, round by round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(one, other)| one / other).collect())
    }
}

/// The median of some values.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    Rounds(values).spread().map_or(f64::NAN, |it| it.median)
}

/// The environment of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) day: String,
    /// The commit, and whether the code has changed since.
    pub(crate) commit: String,
    pub(crate) architecture: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// The load average over the minute before: more than the number of CPUs means a busy machine.
    pub(crate) load: f64,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// The current environment.
    pub(crate) fn here() -> Result<Self> {
        let read = |path: &str| fs::read_to_string(path).with_context(|| path.to_owned());
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map(|(_, value)| value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo")?, "MemTotal").unwrap_or_default();
        let memory: u64 = memory.trim_end_matches(" kB").parse()?;
        let lock = fs::read_to_string(root().join("Cargo.lock"))?;
        let mut versions =
            BTreeMap::from([("rustc".to_owned(), stdout_of("rustc", &["--version"])?)]);
        for name in [
            "aws-sdk-dynamodb",
            "lambda_runtime",
            "lambda_http",
            "tokio",
            "rustls",
            "aws-lc-rs",
        ] {
            let entry = format!("name = \"{name}\"\nversion = \"");
            let version = lock
                .split_once(&entry)
                .and_then(|(_, rest)| rest.split_once('"'));
            let (version, _) = version.with_context(|| format!("no {name} in Cargo.lock"))?;
            versions.insert(name.to_owned(), version.to_owned());
        }
        Ok(Self {
            day: stdout_of("date", &["--utc", "+%Y-%m-%d"])?,
            commit: commit()?,
            architecture: std::env::consts::ARCH.to_owned(),
            cpu: field(&read("/proc/cpuinfo")?, "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory.div_ceil(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: load()?,
            versions,
        })
    }
}

/// The checked-out commit, and whether files other than results have changed since.
fn commit() -> Result<String> {
    let root = root().display().to_string();
    let git = |arguments: &[&str]| stdout_of("git", &[&["-C", &root], arguments].concat());
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "*.rs", "*.toml", "*.lock"])?;
    let mark = if changed.is_empty() {
        ""
    } else {
        " and changes"
    };
    Ok(commit + mark)
}

/// The load average over the last minute.
pub(crate) fn load() -> Result<f64> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().parse()?)
}

/// The output of a program.
pub(crate) fn stdout_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The folder of the results, from the root.
const RESULTS: &str = "bench/results";

/// The file of a result.
fn file(name: &str) -> PathBuf {
    root().join(RESULTS).join(format!("{name}.json"))
}

/// Stores results for the report.
pub(crate) fn keep<T: Serialize>(name: &str, results: &T) -> Result<()> {
    fs::create_dir_all(root().join(RESULTS))?;
    fs::write(file(name), serde_json::to_string_pretty(results)? + "\n")?;
    Ok(())
}

/// Stored results, if any.
pub(crate) fn kept<T: DeserializeOwned>(name: &str) -> Result<Option<T>> {
    let file = file(name);
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file)?;
    let results = serde_json::from_str(&text);
    Ok(Some(results.with_context(|| file.display().to_string())?))
}
