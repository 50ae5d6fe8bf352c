//! The public tester of SCIM servers, `scim2-tester` from `PyPI`, which is installed into `.tools/` on first use.

use support::{World, tool};
use tokio::process::Command;

use super::client::Provider;

/// The number of checks that the pinned version makes for what `/Schemas` announces: 47 of the endpoints, and up to three
/// of each attribute. The reference server, which announces five attributes more, gets 135. Fewer are an endpoint or an
/// attribute that was not checked.
const CHECKS: usize = 121;

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
    // A line without indentation is the status and the name of a check, before indented reasons.
    let statuses = [
        "SUCCESS",
        "COMPLIANT",
        "ACCEPTABLE",
        "DEVIATION",
        "ERROR",
        "CRITICAL",
        "SKIPPED",
    ];
    let mut checks: Vec<_> = printed
        .lines()
        .filter_map(|line| {
            line.split_whitespace()
                .next()
                .filter(|_| !line.starts_with(' '))
        })
        .filter(|word| statuses.contains(word))
        .collect();
    assert_eq!(checks.len(), CHECKS, "{printed}");
    checks.dedup();
    assert_eq!(checks, ["SUCCESS"], "{printed}");
}
