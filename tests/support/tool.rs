use std::path::PathBuf;

use tokio::process::Command;

use crate::{in_ci, root, skipped};

/// A tool of the checks, installed into `.tools/` if missing: its program or its folder. `None`
/// without its requirement (`python3`, `npm`), which fails in CI.
pub async fn tool(name: &str, needs: &str) -> Option<PathBuf> {
    let needed = Command::new(needs).arg("--version").output().await;
    if !needed.is_ok_and(|needed| needed.status.success()) {
        skipped(name, needs);
        return None;
    }
    match installed(name).await {
        Ok(path) => Some(path),
        Err(errors) => panic!("{errors}"),
    }
}

/// A system program (`curl`, `npm`, `chromium`), installed if possible. `None` if not, which fails
/// in CI.
pub async fn system_tool(name: &str) -> Option<PathBuf> {
    match installed(name).await {
        Ok(path) => Some(path),
        Err(errors) => {
            assert!(!in_ci(), "CI must not skip stories: {errors}");
            None
        }
    }
}

/// Whether the curl that the documents' commands need exists. Required in CI.
pub async fn has_curl() -> bool {
    let curl = Command::new("curl").arg("--version").output().await;
    curl.is_ok_and(|curl| curl.status.success()) || system_tool("curl").await.is_some()
}

/// The path of the tool, or why it is missing.
async fn installed(name: &str) -> Result<PathBuf, String> {
    let output = Command::new(env!("CARGO"))
        .args(["xtask", "tool", name])
        .current_dir(root())
        .output()
        .await
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let path = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    assert!(path.exists(), "{}", path.display());
    Ok(path)
}
