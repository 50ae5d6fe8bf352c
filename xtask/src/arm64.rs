//! Builds functions for arm64 as the template says and tests them, with qemu on another machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, program, run};
use crate::{system, tools};

/// One or two of each kind: two endpoints, enough for the tests of a process, and both triggers.
const SAMPLE: [&str; 4] = [
    "CreateOrganization",
    "GetOrganization",
    "PostLogin",
    "PreToken",
];
/// The package of Debian's C library for arm64, and its folder.
const LIBRARY: (&str, &str) = ("libc6-arm64-cross", "/usr/aarch64-linux-gnu");
const LOADER: &str = "lib/ld-linux-aarch64.so.1";
/// Names the folder with the functions for the tests.
const FUNCTIONS: &str = "MUSTER_TEST_FUNCTIONS";
/// Tests that start functions of the sample only.
const TESTS: [&str; 5] = [
    "binaries::one_process_creates_what_another_reads",
    "binaries::dynamodb_is_called_at_the_configured_endpoint",
    "binaries::an_invalid_event_fails_only_its_own_invocation",
    "binaries::a_missing_setting_stops_the_process_with_its_name",
    "sample_events::every_event_is_answered_by_its_binary",
];
const OF_ALL: &str = "binaries::every_function_of_the_template_has_a_binary";

/// Builds the sample, or all functions, and runs the tests of the binaries with them.
pub(crate) fn check(root: &Path, all: bool) -> Result<()> {
    let runner = runner(root)?;
    let folder = root.join("target/arm64");
    let functions = folder.join("functions");
    if functions.exists() {
        fs::remove_dir_all(&functions)?;
    }
    fs::create_dir_all(&functions)?;
    let built = if all {
        let folder = folder.join("all");
        sam_build(root, &folder, None)?;
        artifacts(&folder)?
    } else {
        let mut built = Vec::new();
        for id in SAMPLE {
            let folder = folder.join(id);
            sam_build(root, &folder, Some(id))?;
            built.extend(artifacts(&folder)?);
        }
        built
    };
    for (id, bootstrap) in &built {
        let machine = machine(bootstrap)?;
        if machine != AARCH64 {
            bail!("{} is for the machine {machine}", bootstrap.display());
        }
        let script = functions.join(kebab(id));
        let line = format!("#!/bin/sh\nexec {runner}{} \"$@\"\n", bootstrap.display());
        fs::write(&script, line)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    run(cargo(root)
        .args(["test", "--locked", "--workspace"])
        .args(["--test", "stories", "--", "--exact"])
        .args(TESTS)
        .args(all.then_some(OF_ALL))
        .env(FUNCTIONS, functions))?;
    eprintln!("{} functions for arm64 are built and tested", built.len());
    Ok(())
}

/// The command that starts a program for arm64, with a trailing space. Empty on an arm64 machine.
fn runner(root: &Path) -> Result<String> {
    if std::env::consts::ARCH == "aarch64" {
        return Ok(String::new());
    }
    let names = ["qemu-aarch64", "qemu-aarch64-static"];
    let qemu = system::tool(root, &names, "qemu-user")?;
    let (package, folder) = LIBRARY;
    let is_there = || Path::new(folder).join(LOADER).is_file();
    if !is_there() {
        system::install(root, package, is_there)?;
    }
    if !is_there() {
        let how = system::on_debian(package);
        bail!("{package} is missing, install it ({how})");
    }
    Ok(format!("{} -L {folder} ", qemu.display()))
}

/// Runs `sam build` as the README says, for one function or for all.
fn sam_build(root: &Path, folder: &Path, id: Option<&str>) -> Result<()> {
    let cargo_lambda = tools::cargo_lambda(root)?;
    let mut path = vec![cargo_lambda.parent().context("no folder")?.to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    run(program(&tools::sam(root)?, root)
        .args(["build", "--build-dir"])
        .arg(folder)
        .args(id)
        .env("PATH", std::env::join_paths(path)?)
        .env("SAM_CLI_TELEMETRY", "0"))
}

/// The built functions: logical id and binary.
fn artifacts(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut built = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let bootstrap = entry.path().join("bootstrap");
        if bootstrap.is_file() {
            built.push((entry.file_name().to_string_lossy().into_owned(), bootstrap));
        }
    }
    if built.is_empty() {
        bail!("sam build wrote no function into {}", folder.display());
    }
    Ok(built)
}

/// `EM_AARCH64` of ELF.
const AARCH64: u16 = 183;

/// The machine of a binary, from its ELF header.
fn machine(binary: &Path) -> Result<u16> {
    let bytes = fs::read(binary)?;
    let field = bytes.get(18..20).and_then(|field| field.try_into().ok());
    Ok(u16::from_le_bytes(field.context("no ELF file")?))
}

/// The name of a function's binary: `get-user` for `GetUser`.
fn kebab(id: &str) -> String {
    let mut name = String::new();
    for letter in id.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_the_functions_of_the_sample() {
        let template = include_str!("../../template.yaml");
        for id in SAMPLE {
            let (_, function) = template.split_once(&format!("\n  {id}:\n")).unwrap();
            let (_, binary) = function.split_once("Binary: ").unwrap();
            assert!(binary.starts_with(&format!("{}}}", kebab(id))), "{id}");
        }
    }

    #[test]
    fn the_tests_of_the_sample_exist() {
        let stories = [
            ("binaries", include_str!("../../tests/stories/binaries.rs")),
            (
                "sample_events",
                include_str!("../../tests/stories/sample_events.rs"),
            ),
        ];
        for test in TESTS.into_iter().chain([OF_ALL]) {
            let (module, name) = test.split_once("::").unwrap();
            let (_, story) = stories.iter().find(|story| story.0 == module).unwrap();
            assert!(story.contains(&format!("fn {name}()")), "{test}");
        }
    }
}
