//! Programs that come with the system, which keeps them up to date: found on the path, or installed
//! with apt-get where that may be done without a password.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{program, run_aside};
use crate::tools::{alone, folder_of_all};

/// How long apt-get waits for another program that installs, in seconds.
const WAIT: &str = "DPkg::Lock::Timeout=300";

/// The first of these programs that is there. If none is, the package of Debian that has it is installed.
pub(crate) fn tool(root: &Path, names: &[&str], package: &str) -> Result<PathBuf> {
    let found = || names.iter().find_map(|name| on_path(name));
    if let Some(program) = found() {
        return Ok(program);
    }
    install(root, package, || found().is_some())?;
    found().with_context(|| format!("{package} is missing, install it ({})", on_debian(package)))
}

/// Installs a package of Debian unless it `is_there`, if this machine has apt-get and its user may.
pub(crate) fn install(root: &Path, package: &str, is_there: impl Fn() -> bool) -> Result<()> {
    let Some(mut update) = apt_get(root) else {
        return Ok(());
    };
    // Tests that need the same package run at the same time.
    let _alone = alone(&folder_of_all(root).join("apt-get"))?;
    if is_there() {
        return Ok(());
    }
    eprintln!("{package} is installed with apt-get, this takes a minute");
    // One source that cannot be reached need not be the one that is needed.
    if let Err(error) = run_aside(update.arg("update")) {
        eprintln!("{error:#}");
    }
    let Some(mut install) = apt_get(root) else {
        return Ok(());
    };
    run_aside(
        install
            .args(["install", "--yes", "--no-install-recommends"])
            .args(["-o", WAIT, package]),
    )
}

/// How to install it by hand.
pub(crate) fn on_debian(package: &str) -> String {
    format!("on Debian: apt-get install {package}")
}

/// apt-get with the right to install. `None` where it is missing or would ask for a password.
fn apt_get(root: &Path) -> Option<Command> {
    const QUIET: (&str, &str) = ("DEBIAN_FRONTEND", "noninteractive");
    let apt_get = on_path("apt-get")?;
    if says("id", &["-u"]).is_some_and(|id| id.trim_ascii() == b"0") {
        let mut command = program(&apt_get, root);
        command.env(QUIET.0, QUIET.1);
        return Some(command);
    }
    says("sudo", &["-n", "true"])?;
    let mut command = program(Path::new("sudo"), root);
    command.args(["-n", &format!("{}={}", QUIET.0, QUIET.1)]);
    command.arg(apt_get);
    Some(command)
}

/// What a program writes to stdout, if it succeeds.
fn says(name: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(name).args(arguments).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// Where a program is.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(name));
    all.find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let metadata = file.metadata();
    metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
