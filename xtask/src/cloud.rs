//! Deploys the template into ministack, an emulator of AWS in a process of its own. The tests are
//! in `tests/cloud/`, in Python like the SAM CLI and the emulator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{cargo, program, run};
use crate::metadata::package;
use crate::tools;

/// Deploys and runs the tests.
const PROGRAM: &str = "tests/cloud/main.py";
/// The release that `--upgrade` starts from: 0.1.0. At a release, set this to its commit.
pub(crate) const LAST_RELEASE: &str = "dcab01d582575daa1d2e4c365c9a90cf0fa0e005";
/// The functions, and the local stack, which plays Entra, as the tests of the binaries have built them already.
const BINARIES: [&str; 6] = [
    "build",
    "--locked",
    "--profile",
    "test",
    "--workspace",
    "--bins",
];
/// Of an earlier release, only the functions.
const FUNCTIONS: [&str; 5] = [
    "build",
    "--locked",
    "--package",
    "muster-functions",
    "--bins",
];

/// Builds the functions for this machine, deploys them twice, and runs the tests after each
/// deployment.
pub(crate) fn check(root: &Path) -> Result<()> {
    build(root)?;
    run(&mut deployment(root)?)
}

/// Deploys a release, then this code, then the release again, and checks that the data survives.
pub(crate) fn upgrade(root: &Path, release: &str) -> Result<()> {
    // Build the old release first: the present functions have the same names in the same folder.
    let earlier = earlier(root, release)?;
    build(root)?;
    run(deployment(root)?.arg("--earlier").arg(&earlier))?;
    fs::remove_dir_all(earlier)?;
    Ok(())
}

fn build(root: &Path) -> Result<()> {
    run(cargo(root).args(BINARIES))
}

fn deployment(root: &Path) -> Result<Command> {
    let target = root.join("target");
    let mut command = program(&tools::sam_python(root)?, root);
    command.arg(PROGRAM);
    command
        .arg("--ministack")
        .arg(tools::ministack_python(root)?);
    command.arg("--sam").arg(tools::sam(root)?);
    command.arg("--binaries").arg(target.join("debug"));
    command.arg("--folder").arg(target.join("cloud"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// A folder with the sources of a release in `source/` and its functions in `bin/`.
fn earlier(root: &Path, release: &str) -> Result<PathBuf> {
    let folder = root.join("target/earlier");
    let (source, bin) = (folder.join("source"), folder.join("bin"));
    for folder in [&source, &bin] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    let archive = folder.join("source.tar");
    run(program(Path::new("git"), root)
        .args(["archive", "--output"])
        .arg(&archive)
        .arg(release))
    .with_context(|| {
        format!("{release} is missing; in a shallow clone run: git fetch --unshallow")
    })?;
    run(program(Path::new("tar"), root)
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&source))?;
    fs::remove_file(archive)?;
    // Uses its own lock file but the same target folder: most third-party crates are built already.
    let target = root.join("target");
    run(cargo(&source)
        .args(FUNCTIONS)
        .arg("--target-dir")
        .arg(&target))?;
    for name in names(&source)? {
        fs::copy(target.join("debug").join(&name), bin.join(&name))?;
    }
    Ok(folder)
}

/// The functions of a release.
fn names(source: &Path) -> Result<Vec<String>> {
    let metadata = &mut cargo(source);
    let functions = package(metadata.args(["metadata", "--no-deps"]), "muster-functions")?;
    let targets = functions.targets.into_iter();
    let bins = targets.filter(|target| target.kind == ["bin"]);
    Ok(bins.map(|target| target.name).collect())
}
