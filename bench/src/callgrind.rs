//! Counts instructions with callgrind: of a start, and of one more request of a warm function.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::figures::{root, stdout_of};
use crate::process::{Process, Variables};
use crate::setting::Setting;

/// Requests per process. The difference between many and few is the cost of requests without the
/// start.
const FEW: usize = 20;
const MANY: usize = 120;

/// Inclusive instructions of each function of a program.
pub(crate) struct Instructions(BTreeMap<String, u64>);

impl Instructions {
    /// Of the whole program.
    pub(crate) fn total(&self) -> Result<u64> {
        self.of("PROGRAM TOTALS")
            .context("callgrind_annotate prints no total")
    }

    /// All of them, the most expensive first, for a closer look.
    fn listed(&self) -> String {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, count)| Reverse(**count));
        let lines = all
            .iter()
            .map(|(function, count)| format!("{count:>12}  {function}\n"));
        lines.collect()
    }

    /// The instructions of the function whose name contains this text. A function in several source
    /// files or instances has several lines: the most expensive counts.
    pub(crate) fn of(&self, name: &str) -> Option<u64> {
        let named = self
            .0
            .iter()
            .filter(|(function, _)| function.contains(name));
        named.map(|(_, count)| *count).max()
    }
}

/// Whether this machine has valgrind.
pub(crate) fn is_there() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// From the first instruction of the process to its first poll.
pub(crate) fn of_a_start(program: &Path) -> Result<Instructions> {
    counted(program, &[], |_| Ok(()))
}

/// One more request of a warm function.
pub(crate) fn of_a_request(setting: &Setting, name: &str) -> Result<Instructions> {
    let run = |requests: usize| {
        counted(&setting.program(name)?, &setting.plain, |process| {
            (0..requests).try_for_each(|n| setting.invoke(process, name, n).map(|_| ()))
        })
    };
    let Instructions(few) = run(FEW)?;
    let Instructions(many) = run(MANY)?;
    let of_one = many.into_iter().map(|(function, count)| {
        let before = few.get(&function).copied().unwrap_or_default();
        (function, count.saturating_sub(before) / (MANY - FEW) as u64)
    });
    let of_one = Instructions(of_one.collect());
    let folder = root().join("target/tmp");
    fs::write(
        folder.join(format!("instructions.{name}.txt")),
        of_one.listed(),
    )?;
    Ok(of_one)
}

/// The instructions of a process that does this.
fn counted(
    program: &Path,
    variables: &Variables,
    work: impl FnOnce(&Process) -> Result<()>,
) -> Result<Instructions> {
    let folder = root().join("target/tmp");
    fs::create_dir_all(&folder)?;
    let out = folder.join("callgrind.out");
    // Removes the output of an earlier run.
    if out.exists() {
        fs::remove_file(&out)?;
    }
    let file = format!("--callgrind-out-file={}", out.display());
    let process = Process::under(&["valgrind", "--tool=callgrind", &file], program, variables)?;
    work(&process)?;
    process.end()?;
    let out = out.display().to_string();
    let listed = stdout_of(
        "callgrind_annotate",
        &["--inclusive=yes", "--threshold=100", &out],
    )?;
    let functions = listed.lines().filter_map(function);
    let functions = functions.map(|(count, name)| (name.to_owned(), count));
    Ok(Instructions(functions.collect()))
}

/// A line `1,234 (5.67%)  file:function`.
fn function(line: &str) -> Option<(u64, &str)> {
    let (count, rest) = line.trim().split_once(" (")?;
    let (_, function) = rest.split_once("%)")?;
    Some((count.replace(',', "").parse().ok()?, function.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_parsed_from_a_line() {
        let line = " 749,651 (45.87%)  ???:aws_sdk_dynamodb::client::Client::from_conf [x]";
        let (count, rest) = function(line).unwrap();
        assert_eq!(count, 749_651);
        assert_eq!(rest, "???:aws_sdk_dynamodb::client::Client::from_conf [x]");
        assert_eq!(function("Ir  file:function"), None);
    }
}
