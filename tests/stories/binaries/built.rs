//! The binaries, built once for all stories that start them.

use std::path::PathBuf;

use tokio::process::Command;

/// Names a folder with functions that are built already, of which some may be missing. `cargo xtask arm64` sets it.
const GIVEN: &str = "MUSTER_TEST_FUNCTIONS";

/// The folder that is named, if one is.
pub(crate) fn given() -> Option<PathBuf> {
    std::env::var_os(GIVEN).map(PathBuf::from)
}

/// Builds all binaries beside this test, with what their own package asks for and nothing else, and
/// tells where they are.
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
