//! The tools that a check needs beside cargo, put into `.tools/` when they are not there yet.
//!
//! Each lies in a folder with its version in the name, so that another version here is another
//! installation, and one that is there costs nothing and needs no network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{cargo, program, run};

/// `sam validate --lint`; brings cfn-lint with it.
const SAM: &str = "1.170.0";
/// Licences, bans, sources, advisories.
const CARGO_DENY: &str = "0.20.2";
/// Dependencies that nothing uses.
const CARGO_MACHETE: &str = "0.9.2";

/// The AWS SAM CLI.
pub(crate) fn sam(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "sam", SAM);
    let sam = folder.join("bin").join("sam");
    if sam.is_file() {
        return Ok(sam);
    }
    eprintln!("aws-sam-cli {SAM} goes into .tools/, this takes a minute");
    run(program(Path::new("python3"), root)
        .args(["-m", "venv", "--clear"])
        .arg(&folder))
    .context("needs Python with venv (on Debian: apt-get install python3-venv)")?;
    run(program(&folder.join("bin").join("python"), root)
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check"])
        .arg(format!("aws-sam-cli=={SAM}")))?;
    Ok(sam)
}

/// cargo-deny.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-deny", CARGO_DENY)
}

/// cargo-machete.
pub(crate) fn cargo_machete(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-machete", CARGO_MACHETE)
}

/// Compiled from crates.io, because neither is on `PyPI` or npm and their own archives are on GitHub.
/// Unoptimised: both run for two seconds either way, and with their release profiles (fat LTO) they
/// take twice as long to compile.
fn cargo_tool(root: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let folder = folder(root, name, version);
    let tool = folder.join("bin").join(name);
    if tool.is_file() {
        return Ok(tool);
    }
    eprintln!("{name} {version} goes into .tools/, this takes a minute or two");
    run(cargo(root)
        .args(["install", "--locked", "--debug", name])
        .arg(format!("--version={version}"))
        .arg("--root")
        .arg(&folder))?;
    Ok(tool)
}

fn folder(root: &Path, name: &str, version: &str) -> PathBuf {
    root.join(".tools").join(format!("{name}-{version}"))
}
