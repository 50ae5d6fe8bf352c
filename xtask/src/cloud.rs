//! The template, deployed into an AWS that others wrote: ministack, in a process of its own. What is done there
//! is in `tests/cloud/`, in Python, because the SAM CLI and the emulator are.

use std::path::Path;

use anyhow::Result;

use crate::command::{cargo, program, run};
use crate::tools;

/// Deploys, and goes through the story.
const PROGRAM: &str = "tests/cloud/main.py";

/// Builds the functions for this machine, deploys them twice, and goes through the story with each.
pub(crate) fn check(root: &Path) -> Result<()> {
    // As the tests of the binaries build them, so that after these nothing is to be built. Unoptimised: the
    // emulator and the SAM CLI take most of the time either way.
    run(cargo(root).args([
        "build",
        "--locked",
        "--package",
        "muster-functions",
        "--bins",
    ]))?;
    // Plays Entra.
    run(cargo(root).args(["build", "--locked", "--workspace", "--bin", "muster-local"]))?;
    let target = root.join("target");
    run(program(&tools::sam_python(root)?, root)
        .arg(PROGRAM)
        .arg("--ministack")
        .arg(tools::ministack_python(root)?)
        .arg("--sam")
        .arg(tools::sam(root)?)
        .arg("--binaries")
        .arg(target.join("debug"))
        .arg("--folder")
        .arg(target.join("cloud"))
        .env("PYTHONDONTWRITEBYTECODE", "1"))
}
