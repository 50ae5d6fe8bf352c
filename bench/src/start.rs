//! Where the instructions of a start go, as callgrind sees them: what holds a start that is slower than
//! it should be.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::builds::build;
use crate::figures::{Machine, keep, root, told};
use crate::process::Process;

/// Parts of a start: what each is, and the function that does it, with all that it calls.
const PARTS: [(&str, &str); 7] = [
    (
        "the dynamic loader, relocating the program",
        "_dl_relocate_object",
    ),
    (
        "the SDK, making its client",
        "aws_sdk_dynamodb::client::Client::from_conf",
    ),
    (
        "of that: the rules for endpoints, with the JSON of all partitions and its regular expressions",
        "config::endpoint::DefaultResolver::new",
    ),
    (
        "of that: TLS, with the root certificates",
        "create_rustls_client_config",
    ),
    (
        "logging, being set up",
        "tracing_subscriber::fmt::SubscriberBuilder",
    ),
    ("the standard library, before `main`", "pthread_getattr_np"),
    (
        "`lambda_runtime`, up to its first poll",
        "lambda_runtime::run",
    ),
];
/// A function, and the bare one that has the same client: package and binary.
const PROGRAMS: [(&str, &str); 2] = [
    ("muster-functions", "get-organization"),
    ("muster-bare", "bare-get-item"),
];

/// What came of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) machine: Machine,
    pub(crate) programs: Vec<Program>,
}

/// A program's start.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// Instructions from the first of the process to its first poll.
    pub(crate) total: u64,
    pub(crate) parts: Vec<Part>,
}

/// A part of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) what: String,
    /// `None` where the program has no such part.
    pub(crate) instructions: Option<u64>,
}

/// Builds the programs once more, with their symbols, and counts the instructions of their starts.
pub(crate) fn measure() -> Result<()> {
    let target = root().join("target/start");
    let mut programs = Vec::new();
    for (package, name) in PROGRAMS {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--quiet", "--package", package])
            .args(["--bin", name])
            .current_dir(root())
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_STRIP", "false");
        build(&mut cargo)?;
        programs.push(profile(name, &target.join("release").join(name))?);
    }
    let machine = Machine::here()?;
    keep("start", &Start { machine, programs })
}

fn profile(name: &str, program: &Path) -> Result<Program> {
    let folder = root().join("target/tmp");
    fs::create_dir_all(&folder)?;
    let out = folder.join(format!("callgrind.start.{name}"));
    if out.exists() {
        fs::remove_file(&out)?;
    }
    let file = format!("--callgrind-out-file={}", out.display());
    let around = ["valgrind", "--tool=callgrind", &file];
    Process::under(&around, program, &[])?.end()?;
    let out = out.display().to_string();
    let annotate = ["--inclusive=yes", "--threshold=100", &out];
    let listed = told("callgrind_annotate", &annotate)?;
    let lines: Vec<(u64, &str)> = listed.lines().filter_map(instructions).collect();
    let total = lines
        .iter()
        .find(|(_, what)| what.contains("PROGRAM TOTALS"));
    let (total, _) = total.context("callgrind_annotate tells no total")?;
    let parts = PARTS.map(|(what, function)| {
        let of = lines.iter().filter(|(_, line)| line.contains(function));
        Part {
            what: what.to_owned(),
            instructions: of.map(|(count, _)| *count).max(),
        }
    });
    // The bare one has no logs of its own.
    let named = parts.iter().filter(|part| part.instructions.is_some());
    ensure!(
        named.count() + 1 >= PARTS.len(),
        "{name}: a part has another name now: {parts:?}"
    );
    Ok(Program {
        name: name.to_owned(),
        total: *total,
        parts: parts.into(),
    })
}

/// A line `1,234 (5.67%)  file:function`.
fn instructions(line: &str) -> Option<(u64, &str)> {
    let (count, rest) = line.trim().split_once(" (")?;
    Some((count.replace(',', "").parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_its_instructions() {
        let line = " 749,651 (45.87%)  ???:aws_sdk_dynamodb::client::Client::from_conf [x]";
        let (count, rest) = instructions(line).unwrap();
        assert_eq!(count, 749_651);
        assert!(rest.contains("from_conf"));
        assert_eq!(instructions("Ir  file:function"), None);
    }
}
