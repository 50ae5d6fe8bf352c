//! Runs the steps of a check and prints the verdict.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::step::{Step, StepOutcome};

/// The durations of the last run's steps.
const TABLE: &str = "target/check.md";

/// A finished step.
struct Ran {
    step: Step,
    took: Duration,
    result: Result<StepOutcome>,
}

/// Runs all steps and fails if one of them failed.
pub(crate) fn run(steps: &[Step], root: &Path) -> ExitCode {
    let mut ran = Vec::new();
    for (done, step) in steps.iter().copied().enumerate() {
        eprintln!("\n[{}/{}] {step}: {}", done + 1, steps.len(), step.about());
        let started = Instant::now();
        let result = step.run(root);
        let one = Ran {
            step,
            took: started.elapsed(),
            result,
        };
        eprint!("{}", line(&one));
        ran.push(one);
    }
    eprint!("\n{}", report(&ran));
    let table = root.join(TABLE);
    if let Err(error) = fs::write(&table, times(&ran)) {
        eprintln!("{}: {error}", table.display());
    }
    if ran.iter().any(|one| one.result.is_err()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// One step as one line.
fn line(one: &Ran) -> String {
    let why = match &one.result {
        Ok(StepOutcome::Passed) => String::new(),
        Ok(StepOutcome::Skipped(why)) => format!("  {why}"),
        Err(error) => format!("  {error:#}"),
    };
    let verdict = verdict(one);
    let step = one.step.to_string();
    let seconds = one.took.as_secs_f64();
    format!("{step:<14}{verdict:<8}{seconds:>7.1} s{why}\n")
}

/// The duration of each step, as a table.
fn times(ran: &[Ran]) -> String {
    let mut table = String::from("| Step | Result | Seconds |\n|---|---|--:|\n");
    for one in ran {
        let _ = writeln!(
            table,
            "| {} | {} | {:.1} |",
            one.step,
            verdict(one),
            one.took.as_secs_f64()
        );
    }
    let total: Duration = ran.iter().map(|one| one.took).sum();
    let _ = writeln!(table, "| all | | {:.1} |", total.as_secs_f64());
    table
}

fn verdict(one: &Ran) -> &'static str {
    match &one.result {
        Ok(StepOutcome::Passed) => "ok",
        Ok(StepOutcome::Skipped(_)) => "skipped",
        Err(_) => "FAILED",
    }
}

/// All steps, the failed ones with the command that repeats them, and the count of each result.
fn report(ran: &[Ran]) -> String {
    let mut report: String = ran.iter().map(line).collect();
    let failed = ran.iter().filter(|one| one.result.is_err());
    for one in failed {
        let step = one.step;
        let _ = writeln!(
            report,
            "\n{step} failed; again: cargo xtask check --only {step}"
        );
    }
    let count = |is: fn(&Ran) -> bool| ran.iter().filter(|one| is(one)).count();
    let passed = count(|one| matches!(one.result, Ok(StepOutcome::Passed)));
    let skipped = count(|one| matches!(one.result, Ok(StepOutcome::Skipped(_))));
    let failed = count(|one| one.result.is_err());
    let _ = write!(
        report,
        "\n{passed} passed, {failed} failed, {skipped} skipped\n"
    );
    report
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn ran(step: Step, result: Result<StepOutcome>) -> Ran {
        let took = Duration::from_millis(1250);
        Ran { step, took, result }
    }

    #[test]
    fn failures_are_listed_with_the_command_to_repeat_them() {
        let report = report(&[
            ran(Step::Format, Err(anyhow!("cargo ended with 1"))),
            ran(Step::Lint, Ok(StepOutcome::Passed)),
            ran(Step::Test, Err(anyhow!("cargo ended with 100"))),
        ]);
        assert_eq!(
            report,
            "format        FAILED      1.2 s  cargo ended with 1\n\
             lint          ok          1.2 s\n\
             test          FAILED      1.2 s  cargo ended with 100\n\
             \n\
             format failed; again: cargo xtask check --only format\n\
             \n\
             test failed; again: cargo xtask check --only test\n\
             \n\
             1 passed, 2 failed, 0 skipped\n"
        );
    }

    #[test]
    fn the_table_lists_each_step_with_its_duration() {
        let table = times(&[
            ran(Step::Lint, Ok(StepOutcome::Passed)),
            ran(Step::Test, Err(anyhow!("no"))),
        ]);
        assert_eq!(
            table,
            "| Step | Result | Seconds |\n|---|---|--:|\n| lint | ok | 1.2 |\n\
             | test | FAILED | 1.2 |\n| all | | 2.5 |\n"
        );
    }

    #[test]
    fn a_skipped_step_has_a_reason_and_is_not_a_failure() {
        let report = report(&[ran(
            Step::Advisories,
            Ok(StepOutcome::Skipped("no network")),
        )]);
        assert_eq!(
            report,
            "advisories    skipped     1.2 s  no network\n\n0 passed, 0 failed, 1 skipped\n"
        );
    }
}
