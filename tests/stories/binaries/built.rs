//! Builds the binaries once for all stories that start them.

use std::path::PathBuf;

use tokio::process::Command;

/// Names a folder with built functions, some of which may be missing. `cargo xtask arm64` sets it.
const GIVEN: &str = "MUSTER_TEST_FUNCTIONS";

/// The named folder, if any.
pub(crate) fn given() -> Option<PathBuf> {
    std::env::var_os(GIVEN).map(PathBuf::from)
}

/// Builds all binaries next to this test, and returns their folder. With the profile of this test and the features of the
/// whole workspace: with those of their package alone, most crates would be compiled once more. That they suffice is
/// checked by the step `lint`.
pub(crate) async fn built() -> PathBuf {
    if let Some(folder) = given() {
        return folder;
    }
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/stories-…
    let out = test.parent().unwrap().parent().unwrap();
    let profile = match out.file_name().unwrap().to_str().unwrap() {
        // Both profiles have this folder.
        "debug" => "test",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked"])
        .args(["--workspace", "--bins"])
        .args(["--profile", profile, "--target-dir"])
        .arg(out.parent().unwrap())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .await
        .unwrap();
    assert!(built.success());
    out.to_owned()
}
