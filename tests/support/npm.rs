//! Packages from npm that a story needs.

use std::path::PathBuf;

use tokio::process::Command;

use crate::{root, system_tool};

/// What the packages depend on is taken as it was on this day.
const BEFORE: &str = "2026-11-20";

/// The directory with these packages (`name@version`) below `.tools/`, installed when it is not
/// there. `None` where there is no npm; in CI that is a failure.
pub async fn packages(directory: &str, packages: &[&str]) -> Option<PathBuf> {
    let npm = Command::new("npm").arg("--version").output().await;
    if !npm.is_ok_and(|npm| npm.status.success()) {
        system_tool("npm").await?;
    }
    let chosen = std::env::var_os("MUSTER_TOOLS").filter(|folder| !folder.is_empty());
    let tools = chosen.map_or_else(|| root().join(".tools"), PathBuf::from);
    let installed = tools.join(directory);
    if !installed.exists() {
        // Beside it first: an installation that was interrupted is none.
        let new = tools.join(format!("{directory}-{:016x}.new", fastrand::u64(..)));
        std::fs::create_dir_all(&new).unwrap();
        let output = Command::new("npm")
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
            .arg(format!("--before={BEFORE}"))
            .arg("--prefix")
            .arg(&new)
            .args(packages)
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "npm install: {errors}");
        if std::fs::rename(&new, &installed).is_err() {
            // Somebody else was faster.
            std::fs::remove_dir_all(&new).unwrap();
        }
        assert!(installed.exists());
    }
    Some(installed)
}
