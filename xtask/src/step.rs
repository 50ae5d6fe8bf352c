//! The steps of a check, each one command that can fail on its own.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::command::{cargo, has_nextest, program, run, run_within};
use crate::generate::{self, Mode};
use crate::{api, cloud, moto, tools};

/// Long enough for a slow network; the advisory database is a few megabytes.
const FETCH_LIMIT: Duration = Duration::from_mins(2);

/// A step. The order is the order of running: fast failures first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    Format,
    Generated,
    Lint,
    Quick,
    Test,
    Docs,
    Unused,
    Dependencies,
    Advisories,
    Api,
    Template,
    Rules,
    Security,
    Commands,
    Cloud,
    Moto,
}

/// The result of a step that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StepOutcome {
    Passed,
    /// Skipped, with the reason.
    Skipped(&'static str),
}

/// The steps of `--fast`.
pub(crate) const FAST: [Step; 4] = [Step::Format, Step::Generated, Step::Lint, Step::Quick];

/// Test modules that build and start other programs or search for minutes: not in the step `quick`.
pub(crate) const SLOW: [&str; 13] = [
    "binaries",
    "cognito",
    "directories::runs::large",
    "histories",
    "openapi",
    "page",
    "sample_events",
    "schemathesis",
    "scim::histories",
    "scim::large",
    "sync::histories",
    "sync::many_logins",
    "webhook_endpoints::load",
];
/// The package of the deployed functions.
const FUNCTIONS: &str = "muster-functions";
/// A package of slow tests only.
const SLOW_PACKAGE: &str = "muster-model";

/// The steps of a check, in the order of running. The step `test` includes `quick`.
pub(crate) fn all() -> Vec<Step> {
    let steps = Step::value_variants().iter().copied();
    steps.filter(|step| *step != Step::Quick).collect()
}

/// The steps and what each checks, for `--list`.
pub(crate) fn list() -> String {
    let mut list = String::new();
    for step in Step::value_variants() {
        let _ = writeln!(list, "{:<14}{}", step.to_string(), step.about());
    }
    list
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(value) => formatter.write_str(value.get_name()),
            None => Err(fmt::Error),
        }
    }
}

impl Step {
    /// What the step checks.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Format => "the code is formatted",
            Self::Generated => "generated files match the endpoints",
            Self::Lint => {
                "no warnings of the compiler or clippy, and the functions compile by themselves"
            }
            Self::Quick => "unit tests and stories that take seconds, for --fast",
            Self::Test => {
                "unit tests, stories, and tests that start other programs or search for minutes"
            }
            Self::Docs => "the API documentation builds without a warning",
            Self::Unused => "no unused dependencies",
            Self::Dependencies => "licences, bans and sources of all dependencies",
            Self::Advisories => "no dependency with a known vulnerability",
            Self::Api => "no change of the API breaks clients without a changelog entry",
            Self::Template => "the SAM template is valid and lints clean",
            Self::Rules => "cfn-lint reports nothing for the templates",
            Self::Commands => {
                "every aws and sam command in the documents exists and has these options"
            }
            Self::Security => "checkov reports nothing for the template without a reason",
            Self::Cloud => "the template works in an emulator of AWS",
            Self::Moto => "the stories that depend on the database, on a second DynamoDB emulator",
        }
    }

    /// Runs the step at the root of the repository.
    pub(crate) fn run(self, root: &Path) -> Result<StepOutcome> {
        match self {
            Self::Format => run(cargo(root).args(["fmt", "--all", "--check"]))?,
            Self::Generated => generate::generate(root, Mode::Check)?,
            Self::Lint => {
                run(cargo(root)
                    .args(["clippy", "--workspace", "--all-targets"])
                    .args(["--", "-D", "warnings"]))?;
                // As they are deployed: in the workspace, tests enable more features of their dependencies.
                run(cargo(root).args(["check", "--locked", "--package", FUNCTIONS, "--bins"]))?;
            }
            // The documentation has no examples to test.
            Self::Quick | Self::Test => run(&mut tests(root, self))?,
            Self::Docs => run(cargo(root)
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"))?,
            // With metadata: the names of a crate and its library can differ.
            Self::Unused => run(program(&tools::cargo_machete(root)?, root)
                .args(["--with-metadata", "--skip-target-dir"]))?,
            Self::Dependencies => {
                run(deny(root)?.args(["check", "bans", "licenses", "sources"]))?;
                // The fuzz targets are outside of the workspace, and no other step reads their lock file.
                run(cargo(root)
                    .args(["metadata", "--locked", "--format-version", "1"])
                    .args(["--manifest-path", "fuzz/Cargo.toml"])
                    .stdout(Stdio::null()))?;
            }
            Self::Advisories => return advisories(root),
            Self::Api => api::check(root)?,
            Self::Template => run(program(&tools::sam(root)?, root)
                // The linter needs a region to know its resource types.
                .args(["validate", "--lint", "--region", "us-east-1"])
                .env("SAM_CLI_TELEMETRY", "0"))?,
            Self::Rules => run(program(&tools::cfn_lint(root)?, root)
                .args(["--template", "template.yaml", "docs/cloudfront.yaml"])
                // Warnings count too, and the template must work in more than one region.
                .args(["--include-checks", "I"])
                .args(["--regions", "us-east-1", "eu-central-1", "ap-southeast-2"]))?,
            Self::Commands => run(program(&tools::sam_python(root)?, root)
                .arg("xtask/commands.py")
                .env("SAM_CLI_TELEMETRY", "0"))?,
            // Offline: sends nothing to the platform behind it.
            Self::Security => run(program(&tools::checkov(root)?, root)
                .args(["--file", "template.yaml", "--config-file", ".checkov.yaml"])
                .args(["--skip-download", "--quiet", "--compact"]))?,
            Self::Cloud => cloud::check(root)?,
            Self::Moto => moto::check(root)?,
        }
        Ok(StepOutcome::Passed)
    }
}

/// The tests of a step, always of the whole workspace, so that features stay the same.
fn tests(root: &Path, step: Step) -> Command {
    let mut command = cargo(root);
    let is_quick = step == Step::Quick;
    if has_nextest(root) {
        command.args(["nextest", "run", "--workspace", "--profile", "ci"]);
        if is_quick {
            command.args(["-E", &format!("not ({})", slow())]);
        }
        return command;
    }
    command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    if is_quick {
        command.arg("--");
        for module in SLOW {
            command.args(["--skip", &format!("{module}::")]);
        }
    }
    command
}

/// The slow tests, as a filter of nextest.
fn slow() -> String {
    let modules = SLOW.join("|");
    format!("(binary(stories) & test(/^({modules})::/)) | package({SLOW_PACKAGE})")
}

/// The advisory database is on GitHub, which not every build machine can reach. Only that failure
/// is ignored; a matching advisory is not.
fn advisories(root: &Path) -> Result<StepOutcome> {
    if run_within(FETCH_LIMIT, deny(root)?.args(["fetch", "db"])).is_err() {
        return Ok(StepOutcome::Skipped(
            "the advisory database (github.com/RustSec/advisory-db) could not be fetched, see above",
        ));
    }
    run(deny(root)?.args(["check", "--disable-fetch", "advisories"]))?;
    Ok(StepOutcome::Passed)
}

fn deny(root: &Path) -> Result<Command> {
    let mut command = program(&tools::cargo_deny(root)?, root);
    command.args(["--all-features", "--workspace"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_modules_exist() {
        for module in SLOW {
            let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stories");
            let (files, name) = match module.rsplit_once("::") {
                Some((parents, name)) => {
                    let parent = parents.replace("::", "/");
                    (
                        vec![format!("{parent}.rs"), format!("{parent}/mod.rs")],
                        name,
                    )
                }
                None => (vec!["main.rs".to_owned()], module),
            };
            let files = files.iter().map(|file| stories.join(file));
            let file = files
                .filter_map(|file| std::fs::read_to_string(file).ok())
                .collect::<String>();
            assert!(file.contains(&format!("mod {name};")), "{module}");
        }
    }

    #[test]
    fn fast_steps_run_no_slow_tests() {
        let command = tests(Path::new("."), Step::Quick);
        let arguments: Vec<_> = command.get_args().map(|it| it.to_string_lossy()).collect();
        let printed = arguments.join(" ");
        assert!(
            printed.contains(&format!("not ({})", slow())) || printed.contains("--skip page::")
        );
        assert!(!FAST.contains(&Step::Test));
    }

    #[test]
    fn a_check_runs_each_test_once() {
        assert!(all().contains(&Step::Test));
        assert!(!all().contains(&Step::Quick));
    }
}
