//! The public tester of SCIM servers, `scim2-tester` from `PyPI`, which is installed into `.tools/` on first use.

use support::{World, tool};
use tokio::process::Command;

use super::client::Provider;

/// The number of checks of the pinned version.
const CHECKS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn the_public_tester_reports_nothing_but_success() {
    let Some(program) = tool("scim2-tester", "python3").await else {
        return;
    };
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    let output = Command::new(program)
        .args(["--url", &provider.base, "test"])
        .env(
            "SCIM_CLI_HEADERS",
            format!("Authorization: Bearer {}", provider.token),
        )
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (printed, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{printed}\n{errors}");
    let successes = printed.lines().filter(|line| line.starts_with("SUCCESS"));
    assert!(successes.count() >= CHECKS, "{printed}");
}
