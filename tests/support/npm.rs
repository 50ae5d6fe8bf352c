//! npm packages for stories.

use std::path::PathBuf;

use tokio::process::Command;

use crate::{root, system_tool};

/// The dependencies are resolved as of this day.
const BEFORE: &str = "2026-11-20";

/// The directory with these packages (`name@version`) below `.tools/`, installed if missing. `None`
/// without npm; in CI that fails.
pub async fn packages(directory: &str, packages: &[&str]) -> Option<PathBuf> {
    let npm = Command::new("npm").arg("--version").output().await;
    if !npm.is_ok_and(|npm| npm.status.success()) {
        system_tool("npm").await?;
    }
    let chosen = std::env::var_os("MUSTER_TOOLS").filter(|folder| !folder.is_empty());
    let tools = chosen.map_or_else(|| root().join(".tools"), PathBuf::from);
    let installed = tools.join(directory);
    if !installed.exists() {
        // Installs into another folder first: an interrupted installation must not count.
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
            // Another process was faster.
            std::fs::remove_dir_all(&new).unwrap();
        }
        assert!(installed.exists());
    }
    Some(installed)
}
