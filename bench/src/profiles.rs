//! Compares release profiles: the cost of a build and the results.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::builds::{Build, build};
use crate::figures::{Machine, Rounds, Spread, keep, kept, root};
use crate::functions::{self, Functions};
use crate::plot::thousands;

/// The results, and their text before the table.
const PAGE: &str = "docs/results/profiles.md";
const HEAD: &str = "# Release profiles: the last results

<!-- Written by `cargo xtask bench profiles`; do not edit. -->

Explained in the [decision about the release profile](../decisions/0020-release-profile.md). All profiles have one codegen unit unless
listed otherwise, `panic = \"abort\"` and `strip = true`. `muster` is the package in `shared/`. The figures on the right are those of
`get-organization`. All functions: the
libraries once, plus the mean of three binaries for each function (`get-organization`, `create-organization`, `post-login`).

";
/// A reader, a writer and the largest function.
const BINARIES: [&str; 3] = ["get-organization", "create-organization", "post-login"];

/// A profile: its name here, and cargo's settings.
struct Profile {
    name: &'static str,
    lto: &'static str,
    opt_level: &'static str,
    /// Of the package `muster` alone.
    muster_level: &'static str,
    codegen_units: &'static str,
}

const fn profile(
    name: &'static str,
    lto: &'static str,
    opt_level: &'static str,
    muster_level: &'static str,
    codegen_units: &'static str,
) -> Profile {
    Profile {
        name,
        lto,
        opt_level,
        muster_level,
        codegen_units,
    }
}

const PROFILES: [Profile; 7] = [
    profile("fat-3", "fat", "3", "3", "1"),
    profile("fat-s", "fat", "s", "s", "1"),
    profile("thin-3", "thin", "3", "3", "1"),
    profile("off-3", "off", "3", "3", "1"),
    profile("off-s", "off", "s", "s", "1"),
    profile("off-s-muster-3", "off", "s", "3", "1"),
    profile("off-z", "off", "z", "z", "1"),
];

/// The build cost of a profile.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Built {
    /// All dependencies and both libraries.
    libraries: Build,
    /// Each of the binaries afterwards.
    binaries: Vec<Build>,
}

/// Measures those with these names, or all, and writes the table.
pub(crate) async fn measure(names: &[String]) -> Result<()> {
    let chosen = |it: &&Profile| names.is_empty() || names.iter().any(|name| name == it.name);
    for profile in PROFILES.iter().filter(chosen) {
        let name = profile.name;
        let target = folder(profile);
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        // A number is written without quotes, a letter with them.
        let level = profile.muster_level;
        let level = match level.parse::<u8>() {
            Ok(_) => level.to_owned(),
            Err(_) => format!("\"{level}\""),
        };
        let muster_level = format!("profile.release.package.muster.opt-level={level}");
        let cargo = |what: &[&str]| {
            let mut cargo = Command::new("cargo");
            cargo
                .args(["--config", &muster_level])
                .args([
                    "build",
                    "--release",
                    "--quiet",
                    "--package",
                    "muster-functions",
                ])
                .args(what)
                .current_dir(root())
                .env("CARGO_TARGET_DIR", &target)
                .env("CARGO_PROFILE_RELEASE_LTO", profile.lto)
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", profile.opt_level)
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", profile.codegen_units)
                // As in cargo-lambda.
                .env("RUSTFLAGS", target_cpu());
            build(&mut cargo)
        };
        eprintln!("{name}: the libraries");
        let libraries = cargo(&["--lib"])?;
        let mut binaries = Vec::new();
        for binary in BINARIES {
            eprintln!("{name}: {binary}");
            binaries.push(cargo(&["--bin", binary])?);
        }
        keep(
            &format!("profile-{name}"),
            &Built {
                libraries,
                binaries,
            },
        )?;
    }
    // Close together, after all builds.
    for profile in PROFILES.iter().filter(chosen) {
        functions::measure(&folder(profile).join("release"), profile.name).await?;
    }
    write()
}

fn folder(profile: &Profile) -> PathBuf {
    root().join("target/profiles").join(profile.name)
}

fn target_cpu() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "-Ctarget-cpu=haswell"
    } else {
        ""
    }
}

/// Writes the table of the results so far.
pub(crate) fn write() -> Result<()> {
    let mut table = TABLE.to_owned();
    let mut machines = Vec::new();
    for profile in &PROFILES {
        if let Some((row, machine)) = row(profile)? {
            table += &row;
            let Machine { cpu, cores, .. } = machine;
            let environment = format!("{cores} cores of {cpu}");
            if !machines.contains(&environment) {
                machines.push(environment);
            }
        }
    }
    let _ = writeln!(
        table,
        "\nMeasured on {}, whose speed differs from day to day: compare the times of one day. Builds ran once. Number of functions: {}.",
        machines.join("; "),
        muster_functions::functions().len()
    );
    fs::write(root().join(PAGE), format!("{HEAD}{table}"))?;
    Ok(())
}

const TABLE: &str = "| Measured | LTO | Level | Level of `muster` | Units | Libraries, CPU s | A binary, CPU s | All functions, CPU min | Zipped, MiB | Start, ms | First over TLS, ms | CPU of a request, µs | Its instructions |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

fn row(profile: &Profile) -> Result<Option<(String, Machine)>> {
    let name = profile.name;
    let built: Option<Built> = kept(&format!("profile-{name}"))?;
    let figures: Option<Functions> = kept(&format!("functions-{name}"))?;
    let (Some(built), Some(figures)) = (built, figures) else {
        return Ok(None);
    };
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let (functions, measured) = (
        muster_functions::functions().len() as f64,
        built.binaries.len() as f64,
    );
    let libraries = built.libraries.cpu_seconds;
    let binary = built.binaries.iter().map(|it| it.cpu_seconds).sum::<f64>() / measured;
    let all = (libraries + functions * binary) / 60.0;
    let function = figures.functions.get(BINARIES[0]);
    let function = function.with_context(|| format!("{} was not measured", BINARIES[0]))?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let zipped = function.zipped as f64 / f64::from(1 << 20);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let instructions = function.instructions.map(|it| thousands(it as f64));
    let middle = |rounds: &Rounds, digits: usize| {
        let spread = rounds.spread();
        spread.map_or_else(
            String::new,
            |Spread {
                 median,
                 least,
                 most,
             }| { format!("{median:.digits$} ({least:.digits$} to {most:.digits$})") },
        )
    };
    let Profile {
        lto,
        opt_level,
        muster_level,
        codegen_units,
        ..
    } = profile;
    let day = &figures.machine.day;
    let mut row = String::new();
    let _ = writeln!(
        row,
        "| {day} | {lto} | {opt_level} | {muster_level} | {codegen_units} | {libraries:.0} | {binary:.0} | {all:.0} | {zipped:.2} | {} | {} | {} | {} |",
        middle(&function.start_ms, 2),
        middle(&function.tls_first_ms, 1),
        middle(&function.cpu_us, 0),
        instructions.unwrap_or_default(),
    );
    Ok(Some((row, figures.machine)))
}
