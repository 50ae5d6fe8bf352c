use std::path::PathBuf;

use tokio::process::Command;

use crate::{left_out, root};

/// A tool of the checks, put into `.tools/` when it is not there: its program, or its folder. `None`
/// where what it needs (`python3`, `npm`) is missing, which it may not be in CI.
pub async fn tool(name: &str, needs: &str) -> Option<PathBuf> {
    let needed = Command::new(needs).arg("--version").output().await;
    if !needed.is_ok_and(|needed| needed.status.success()) {
        left_out(name, needs);
        return None;
    }
    let output = Command::new(env!("CARGO"))
        .args(["xtask", "tool", name])
        .current_dir(root())
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let path = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    assert!(path.exists(), "{}", path.display());
    Some(path)
}
