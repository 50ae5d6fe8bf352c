//! The mutants that cargo-mutants proposes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::MutatedPart;
use crate::command::{output, program};
use crate::tools;

/// A mutant of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    /// File, place and change, as people read it.
    pub(super) name: String,
    /// Its path from the root of the repository.
    pub(super) file: String,
    pub(super) function: Option<MutatedFunction>,
    pub(super) genre: Genre,
    /// The text that replaces the span. Empty if the span is deleted.
    pub(super) replacement: String,
    pub(super) span: MutatedSpan,
}

#[derive(Debug, Deserialize)]
pub(super) struct MutatedFunction {
    function_name: String,
}

/// The kind of code that a mutant changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct MutatedSpan {
    pub(super) start: Position,
}

/// A position in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Listed {
    /// The function it is in. Empty outside of functions.
    pub(super) fn function(&self) -> &str {
        self.function
            .as_ref()
            .map_or("", |it| it.function_name.as_str())
    }
}

/// Lists the mutants of a part: all of them, or those in lines that changed after a commit.
pub(super) fn list(root: &Path, part: MutatedPart, since: Option<&str>) -> Result<Vec<Listed>> {
    let tool = tools::cargo_mutants(root)?;
    let files = format!("{}**/*.rs", part.folder());
    let mut tool = program(&tool, root);
    tool.args(["mutants", "--package", part.package(), "-f", &files])
        .args(["--list", "--json"]);
    if let Some(commit) = since {
        let file = root.join("target/mutants/changed.diff");
        fs::write(&file, changed_lines(root, commit, part.folder())?)?;
        tool.arg("--in-diff").arg(file);
    }
    let listed = output(&mut tool)?;
    // Without a changed line there is no list.
    if since.is_some() && listed.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&listed).context("the list of cargo-mutants")
}

/// Returns the changes in a folder after a commit, as a diff.
fn changed_lines(root: &Path, commit: &str, folder: &str) -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut git = program(Path::new("git"), root);
        output(git.args(arguments).args(["--", folder]))
    };
    let new = git(&["ls-files", "--others", "--exclude-standard"])?;
    ensure!(
        new.is_empty(),
        "run `git add` first, so that these count:\n{new}"
    );
    // The form that cargo-mutants reads, regardless of the user's settings.
    let plain = [
        "--no-color",
        "--no-ext-diff",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    ];
    git(&[&["diff"], &plain[..], &[commit]].concat())
}
