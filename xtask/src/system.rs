//! System programs, which the system keeps up to date: found in the path, or installed with apt-get
//! if that needs no password.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{program, run_aside};
use crate::folder::{alone, folder_of_all};

/// How long apt-get waits for its lock, in seconds.
const WAIT: &str = "DPkg::Lock::Timeout=300";

/// Returns the first of these programs that exists. Otherwise installs the Debian package.
pub(crate) fn tool(root: &Path, names: &[&str], package: &str) -> Result<PathBuf> {
    let found = || names.iter().find_map(|name| on_path(name));
    if let Some(program) = found() {
        return Ok(program);
    }
    install(root, package, || found().is_some())?;
    found().with_context(|| format!("{package} is missing, install it ({})", on_debian(package)))
}

/// Installs a Debian package unless it `is_there`, if apt-get exists and the user may run it.
pub(crate) fn install(root: &Path, package: &str, is_there: impl Fn() -> bool) -> Result<()> {
    let Some(mut update) = apt_get(root) else {
        return Ok(());
    };
    // Tests that need the same package can run in parallel.
    let _alone = alone(&folder_of_all(root).join("apt-get"))?;
    if is_there() {
        return Ok(());
    }
    eprintln!("installing {package} with apt-get, takes a minute");
    // An unreachable source may not be the needed one.
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

/// How to install it manually.
pub(crate) fn on_debian(package: &str) -> String {
    format!("on Debian: apt-get install {package}")
}

/// apt-get with the permission to install. `None` if it is missing or asks for a password.
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

/// The stdout of a program, if it succeeds.
fn says(name: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(name).args(arguments).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// The path of a program.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(name));
    all.find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let metadata = file.metadata();
    metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
