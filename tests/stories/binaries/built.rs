//! The binaries, built once for all stories that start them.

use std::path::PathBuf;

use tokio::process::Command;

/// Builds all binaries beside this test, with what their own package asks for and nothing else, and
/// tells where they are.
pub(crate) async fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/stories-…
    let out = test.parent().unwrap().parent().unwrap();
    let profile = match out.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked"])
        .args(["--package", "muster-functions", "--bins"])
        .args(["--profile", profile, "--target-dir"])
        .arg(out.parent().unwrap())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .await
        .unwrap();
    assert!(built.success());
    out.to_owned()
}
