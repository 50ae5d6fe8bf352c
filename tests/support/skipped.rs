/// Whether this is the CI run, where no story may be skipped.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// Prints which story is skipped because of a missing requirement; fails in CI.
#[track_caller]
pub fn skipped(what: &str, needs: &str) {
    assert!(!in_ci(), "{what} needs {needs}; CI must not skip stories");
    #[expect(clippy::print_stderr, reason = "the output of a test")]
    {
        eprintln!("Skipped: {what} needs {needs}.");
    }
}
