/// Whether this is the run that decides: there no story is left out.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// Tells whoever runs the stories what is left out, as something that it needs is missing; in CI
/// that is a failure.
#[track_caller]
pub fn left_out(what: &str, needs: &str) {
    assert!(
        !in_ci(),
        "{what} needs {needs}, and in CI no story is left out"
    );
    #[allow(clippy::print_stderr)]
    {
        eprintln!("Left out: {what} needs {needs}.");
    }
}
