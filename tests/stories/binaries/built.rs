//! Builds the binaries once for all stories that start them.

use std::path::PathBuf;

use tokio::process::Command;

/// Names a folder with built functions, some of which may be missing. `cargo xtask arm64` sets it.
const GIVEN: &str = "MUSTER_TEST_FUNCTIONS";

/// The named folder, if any.
pub(crate) fn given() -> Option<PathBuf> {
    std::env::var_os(GIVEN).map(PathBuf::from)
}

/// Builds all binaries next to this test, with the default features of their package, and returns
/// their folder.
pub(crate) async fn built() -> PathBuf {
    if let Some(folder) = given() {
        return folder;
    }
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
