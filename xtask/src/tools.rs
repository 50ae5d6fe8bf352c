//! The tools that a check needs beside cargo, put into `.tools/` when they are not there yet.
//!
//! Each lies in a folder with its version in the name, so that another version here is another
//! installation, and one that is there costs nothing and needs no network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::{cargo, program, run};

/// `sam validate --lint`; brings cfn-lint with it.
const SAM: &str = "1.170.0";
/// What `sam build` builds with, and `cargo lambda invoke`.
const CARGO_LAMBDA: &str = "1.9.2";
/// Licences, bans, sources, advisories.
const CARGO_DENY: &str = "0.20.2";
/// Dependencies that nothing uses.
const CARGO_MACHETE: &str = "0.9.2";

/// A tool that others than the checks ask for by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Tool {
    /// The AWS SAM CLI.
    Sam,
    /// AWS's Runtime Interface Emulator, which comes with it.
    Rie,
    /// cargo-lambda.
    CargoLambda,
}

impl Tool {
    /// Where its program is, once it is there.
    pub(crate) fn program(self, root: &Path) -> Result<PathBuf> {
        match self {
            Self::Sam => sam(root),
            Self::Rie => runtime_interface_emulator(root),
            Self::CargoLambda => cargo_lambda(root),
        }
    }
}

/// The AWS SAM CLI.
pub(crate) fn sam(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "sam", SAM);
    let sam = folder.join("bin").join("sam");
    if sam.is_file() {
        return Ok(sam);
    }
    python_package(root, &folder, "aws-sam-cli", SAM)?;
    Ok(sam)
}

/// AWS's Runtime Interface Emulator for this machine, out of the SAM CLI.
fn runtime_interface_emulator(root: &Path) -> Result<PathBuf> {
    sam(root)?;
    let lib = folder(root, "sam", SAM).join("lib");
    let name = match std::env::consts::ARCH {
        "aarch64" => "aws-lambda-rie-arm64",
        _ => "aws-lambda-rie-x86_64",
    };
    let place = Path::new("site-packages/samcli/local/rapid").join(name);
    // Below lib/ is a folder with the version of Python in its name.
    let pythons = lib.read_dir()?.filter_map(Result::ok);
    let mut programs = pythons.map(|python| python.path().join(&place));
    programs
        .find(|program| program.is_file())
        .with_context(|| format!("the SAM CLI {SAM} brings no {name}"))
}

/// cargo-lambda, with the linker it uses (zig).
pub(crate) fn cargo_lambda(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "cargo-lambda", CARGO_LAMBDA);
    let program = folder.join("bin").join("cargo-lambda");
    if !program.is_file() {
        python_package(root, &folder, "cargo-lambda", CARGO_LAMBDA)?;
    }
    Ok(program)
}

/// A package of `PyPI` with what it needs, in a virtual environment of its own.
fn python_package(root: &Path, folder: &Path, name: &str, version: &str) -> Result<()> {
    eprintln!("{name} {version} goes into .tools/, this takes a minute");
    run(program(Path::new("python3"), root)
        .args(["-m", "venv", "--clear"])
        .arg(folder))
    .context("needs Python with venv (on Debian: apt-get install python3-venv)")?;
    run(program(&folder.join("bin").join("python"), root)
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check"])
        .arg(format!("{name}=={version}")))
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
