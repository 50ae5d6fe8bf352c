//! A copy of the repository in which all mutants are built at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::MutatedPart;
use super::instrument::{Id, Instrumented, instrument};
use super::list::Listed;
use crate::command::{cargo, output, program, run};

/// The module that chooses mutants, and its file in the copy.
const CHOSEN: &str = include_str!("chosen.rs");
const CHOSEN_FILE: &str = "domain/src/chosen_mutant.rs";
const DOMAIN: &str = "domain/src/lib.rs";
/// The compiler stops early after some kinds of errors: the next try finds others.
const MOST_TRIES: usize = 40;

/// The test programs with all mutants that compile.
pub(super) struct Built {
    /// The root of the copy.
    pub(super) root: PathBuf,
    pub(super) programs: Vec<TestProgram>,
    pub(super) mutants: BTreeSet<Id>,
}

/// A test program.
pub(super) struct TestProgram {
    pub(super) path: PathBuf,
    /// The folder of its package, in which it runs.
    pub(super) folder: PathBuf,
}

/// A message of Cargo, as far as it is used.
#[derive(Deserialize)]
struct CargoMessage {
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
    target: Option<CargoTarget>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    rendered: Option<String>,
    spans: Vec<DiagnosticSpan>,
}

#[derive(Deserialize)]
struct DiagnosticSpan {
    file_name: String,
    byte_start: usize,
    is_primary: bool,
}

/// Copies the repository to this folder and builds the tests of the part with all its mutants, without those that
/// do not compile.
pub(super) fn build(
    root: &Path,
    folder: &Path,
    part: MutatedPart,
    listed: &[Listed],
) -> Result<Built> {
    let copy = folder.join("tree");
    copy_files(root, &copy)?;
    let target = folder.join("build");
    copy_libraries(root, &target)?;
    fs::write(copy.join(CHOSEN_FILE), CHOSEN)?;
    let domain = fs::read_to_string(copy.join(DOMAIN))?;
    fs::write(
        copy.join(DOMAIN),
        format!("{domain}\npub mod chosen_mutant;\n"),
    )?;

    let mut mutants: BTreeSet<Id> = (0..listed.len()).collect();
    let mut texts = BTreeMap::new();
    for _ in 0..MOST_TRIES {
        put_mutants(&copy, part, listed, &mut mutants, &mut texts)?;
        eprintln!("building {} mutants", mutants.len());
        let (programs, errors) = compile(&copy, &target, part)?;
        if errors.is_empty() {
            return Ok(Built {
                root: copy,
                programs,
                mutants,
            });
        }
        let broken = errors.iter().flat_map(|error| culprits(error, &texts));
        let broken: BTreeSet<_> = broken.filter(|id| mutants.contains(id)).collect();
        if broken.is_empty() {
            let first = errors.iter().find_map(|error| error.rendered.as_deref());
            bail!(
                "no mutant explains this error:\n{}",
                first.unwrap_or_default()
            );
        }
        mutants.retain(|id| !broken.contains(id));
    }
    bail!("mutants still do not compile after {MOST_TRIES} tries")
}

/// Copies the files of the repository, those not yet committed as well.
fn copy_files(root: &Path, copy: &Path) -> Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    let listed = output(program(Path::new("git"), root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    for file in listed.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (root.join(file), copy.join(file));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        // A deleted file is listed until the deletion is committed.
        if from.exists() {
            fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}

/// Starts with the libraries that were compiled for the tests: they take longer than all else. Cargo would take
/// the programs of one folder for those of the other, so each has its own.
fn copy_libraries(root: &Path, target: &Path) -> Result<()> {
    let (from, to) = (root.join("target/debug"), target.join("debug"));
    if to.exists() || !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(&to)?;
    for folder in ["deps", "build", ".fingerprint"] {
        run(program(Path::new("cp"), root)
            .args(["--archive", "--reflink=auto"])
            .arg(from.join(folder))
            .arg(&to))?;
    }
    Ok(())
}

/// Writes the files of the part with these mutants. Drops mutants that have no place in the syntax.
fn put_mutants(
    copy: &Path,
    part: MutatedPart,
    listed: &[Listed],
    mutants: &mut BTreeSet<Id>,
    texts: &mut BTreeMap<String, (String, Instrumented)>,
) -> Result<()> {
    let mut files: BTreeMap<&str, Vec<(Id, &Listed)>> = BTreeMap::new();
    for (id, mutant) in listed.iter().enumerate() {
        let of_file = files.entry(mutant.file.as_str()).or_default();
        if mutants.contains(&id) {
            of_file.push((id, mutant));
        }
    }
    for (file, chosen) in files {
        let path = copy.join(file);
        let source = match texts.get(file) {
            Some((source, _)) => source.clone(),
            None => fs::read_to_string(&path)?,
        };
        let text =
            instrument(&source, &chosen, part.is_chosen()).with_context(|| file.to_owned())?;
        for id in &text.without_place {
            mutants.remove(id);
        }
        // An unchanged file is not compiled again.
        if texts
            .get(file)
            .is_none_or(|(_, last)| last.text != text.text)
        {
            fs::write(&path, &text.text)?;
        }
        texts.insert(file.to_owned(), (source, text));
    }
    Ok(())
}

/// Compiles the tests. Returns the test programs of the part, or the errors of the compiler.
fn compile(
    copy: &Path,
    target: &Path,
    part: MutatedPart,
) -> Result<(Vec<TestProgram>, Vec<Diagnostic>)> {
    let mut command = cargo(copy);
    command
        .args(["test", "--no-run", "--message-format=json"])
        .args(part.selection())
        .env("CARGO_TARGET_DIR", target)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("cannot run cargo")?;
    let stdout = child.stdout.take().context("no stdout")?;
    let (mut programs, mut errors) = (Vec::new(), Vec::new());
    for line in BufReader::new(stdout).lines() {
        let message: CargoMessage = serde_json::from_str(&line?).context("a message of cargo")?;
        if let Some(error) = message.message.filter(|it| it.level == "error") {
            errors.push(error);
        }
        let (Some(path), Some(manifest), Some(its)) =
            (message.executable, message.manifest_path, message.target)
        else {
            continue;
        };
        if part.targets().contains(&its.name.as_str()) {
            let folder = manifest.parent().unwrap_or(copy).to_owned();
            programs.push(TestProgram { path, folder });
        }
    }
    let status = child.wait()?;
    ensure!(
        status.success() || !errors.is_empty(),
        "cargo ended with {status} and without an error of the compiler"
    );
    Ok((programs, errors))
}

/// The mutants because of which there is this error.
fn culprits(error: &Diagnostic, texts: &BTreeMap<String, (String, Instrumented)>) -> Vec<Id> {
    // A function is called where only a `const` one can be.
    if error.message.starts_with("cannot call non-const") {
        let functions = texts.values().flat_map(|(_, text)| &text.no_longer_const);
        let called = functions.filter(|(name, _)| {
            let ends = [
                format!("::{name}`"),
                format!("`{name}`"),
                format!("::{name}::<"),
            ];
            ends.iter().any(|end| error.message.contains(end.as_str()))
        });
        let culprits: Vec<_> = called.flat_map(|(_, mutants)| mutants).copied().collect();
        if !culprits.is_empty() {
            return culprits;
        }
    }
    let spans = error.spans.iter().filter(|span| span.is_primary);
    let around = spans.flat_map(|span| {
        let text = texts.get(&span.file_name);
        text.map_or(&[][..], |(_, text)| text.at(span.byte_start))
    });
    around.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, file: &str, byte_start: usize) -> Diagnostic {
        let span = DiagnosticSpan {
            file_name: file.to_owned(),
            byte_start,
            is_primary: true,
        };
        Diagnostic {
            level: "error".to_owned(),
            message: message.to_owned(),
            rendered: None,
            spans: vec![span],
        }
    }

    #[test]
    fn errors_are_explained_by_the_mutants_around_them() {
        let text = Instrumented {
            text: "ab".to_owned(),
            parts: vec![(0..2, vec![7, 8]), (1..2, vec![8])],
            no_longer_const: vec![("limit".to_owned(), vec![9])],
            without_place: Vec::new(),
        };
        let texts = BTreeMap::from([("a.rs".to_owned(), (String::new(), text))]);
        let explained = |message, file, byte| culprits(&error(message, file, byte), &texts);
        assert_eq!(explained("mismatched types", "a.rs", 0), [7, 8]);
        assert_eq!(explained("mismatched types", "a.rs", 1), [8]);
        assert_eq!(explained("mismatched types", "b.rs", 1), [] as [Id; 0]);
        let not_const = "cannot call non-const associated function `Role::limit` in constants";
        assert_eq!(explained(not_const, "b.rs", 1), [9]);
    }
}
