//! Package metadata from Cargo.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::command::output;

/// The fields used of the output of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package.
#[derive(Deserialize)]
pub(crate) struct Package {
    name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) targets: Vec<Target>,
}

/// A build target of a package.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

/// Returns a package, from `cargo metadata` with more arguments. Fails if the lock file is out of date.
pub(crate) fn package(metadata: &mut Command, name: &str) -> Result<Package> {
    let printed = output(metadata.args(["--format-version", "1", "--locked"]))?;
    let Metadata { packages } = serde_json::from_str(&printed)?;
    let found = packages.into_iter().find(|package| package.name == name);
    found.with_context(|| format!("there is no package {name}"))
}
