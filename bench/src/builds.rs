//! Measures `sam build` of all functions: from scratch, and after a change in `shared/`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::figures::{Machine, keep, load, root, stdout_of};

/// The architecture of the template, and the other one.
const ARM: &str = "arm64";
const X86: &str = "x86_64";

/// The path of the built functions, from the root.
pub(crate) const BINARIES: &str = "target/sam/lambda";

/// The results.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Builds {
    pub(crate) machine: Machine,
    /// The target architecture.
    pub(crate) architecture: String,
    pub(crate) functions: usize,
    pub(crate) profile: String,
    pub(crate) from_nothing: Build,
    pub(crate) after_a_change: Build,
    pub(crate) unchanged: Build,
}

/// One build.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Build {
    pub(crate) wall_seconds: f64,
    /// CPU time of all programs that it ran, on all cores.
    pub(crate) cpu_seconds: f64,
    /// Load average at its end, including its own processes.
    pub(crate) load: f64,
}

/// Builds three times and stores the durations. Leaves the binaries in [`BINARIES`], with the bare
/// ones next to them.
pub(crate) fn measure() -> Result<()> {
    let tool = |name: &str| -> Result<PathBuf> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let program = PathBuf::from(stdout_of(&cargo, &["xtask", "tool", name])?);
        Ok(program
            .parent()
            .context("a tool has a parent folder")?
            .to_owned())
    };
    // The second one uses the Python next to it, which must be the first one.
    let mut path = vec![tool("cargo-lambda")?, tool("sam")?];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path)?;
    let target = root().join("target/sam");
    // The built functions run on this machine afterwards.
    let is_arm = std::env::consts::ARCH == "aarch64";
    let architecture = if is_arm { ARM } else { X86 };

    // The deployed template stays unchanged: only the copy has another architecture.
    let template = fs::read_to_string(root().join("template.yaml"))?;
    let theirs = format!("Architectures: [{ARM}]");
    ensure!(
        template.contains(&theirs),
        "the template no longer contains {theirs}"
    );
    let functions = template.matches("BuildMethod: rust-cargolambda").count();
    let template = template.replace(&theirs, &format!("Architectures: [{architecture}]"));
    fs::create_dir_all(root().join("target/tmp"))?;
    let copy = root().join("target/tmp/template.yaml");
    fs::write(&copy, template)?;

    let mut sam = Command::new("sam");
    sam.current_dir(root())
        .args(["build", "--base-dir", ".", "--template-file"])
        .arg(&copy)
        .env("PATH", &path)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("CARGO_TARGET_DIR", &target);
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let from_nothing = build(&mut sam)?;
    let unchanged = build(&mut sam)?;
    // As an editor does when it saves.
    File::options()
        .append(true)
        .open(root().join("shared/src/lib.rs"))?
        .set_modified(now())?;
    let after_a_change = build(&mut sam)?;

    // Built in the same way, into the same folder.
    let mut bare = Command::new("cargo");
    bare.args([
        "lambda",
        "build",
        "--release",
        "--package",
        "muster-bare",
        "--bins",
    ])
    .current_dir(root())
    .env("PATH", &path)
    .env("CARGO_TARGET_DIR", &target);
    if is_arm {
        bare.arg("--arm64");
    }
    build(&mut bare)?;

    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let tables = manifest
        .split("\n\n")
        .filter_map(|text| Some(&text[text.find("[profile.release")?..]));
    let profile = tables.collect::<Vec<_>>().join("\n\n");
    ensure!(!profile.is_empty(), "Cargo.toml has no release profile");
    keep(
        "builds",
        &Builds {
            machine: Machine::here()?,
            architecture: architecture.to_owned(),
            functions,
            profile,
            from_nothing,
            after_a_change,
            unchanged,
        },
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a file, not of the product"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Runs a build program to its end.
pub(crate) fn build(program: &mut Command) -> Result<Build> {
    let (started, before) = (Instant::now(), cpu_of_children()?);
    let status = program.status().context("cannot run it")?;
    ensure!(
        status.success(),
        "{} ended with {status}",
        program.get_program().display()
    );
    Ok(Build {
        wall_seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_of_children()? - before,
        load: load()?,
    })
}

/// CPU time of all finished child processes and their descendants.
fn cpu_of_children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat
        .rsplit_once(") ")
        .context("an unexpected /proc/self/stat")?;
    // cutime and cstime, fields 16 and 17 of proc(5), in hundredths of a second.
    let ticks = after_name.split(' ').skip(13).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
