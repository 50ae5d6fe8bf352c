//! Runs programs and passes their output through.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a program with a time limit is polled.
const POLL: Duration = Duration::from_millis(100);

/// The Cargo that runs this program, so that both use one toolchain.
pub(crate) fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    program(&cargo, root)
}

/// A program, run at the root of the repository.
pub(crate) fn program(path: &Path, root: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(root);
    command
}

/// Runs to the end. Fails unless the program succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    check_status(command, status)
}

/// Like [`run`], but sends the program's stdout to stderr: stdout is for the requested result.
pub(crate) fn run_aside(command: &mut Command) -> Result<()> {
    run(command.stdout(stderr()))
}

/// Runs a program to its end and returns its status.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    eprintln!("$ {}", line(command));
    command.status().with_context(|| cannot_run(command))
}

/// Like [`run`], but kills the program after `limit`.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    eprintln!("$ {}", line(command));
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| cannot_run(command))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return check_status(command, status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{} took longer than {limit:?}", name(command));
        }
        std::thread::sleep(POLL);
    }
}

/// Runs a program and returns its stdout. Passes stderr through. Fails unless the program succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let (status, printed) = outcome(command)?;
    check_status(command, status)?;
    Ok(printed)
}

/// Like [`output`], for a program that reports findings with its exit code.
pub(crate) fn outcome(command: &mut Command) -> Result<(ExitStatus, String)> {
    eprintln!("$ {}", line(command));
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| cannot_run(command))?;
    // A killed program has no exit code.
    if output.status.code().is_none() {
        check_status(command, output.status)?;
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status, printed))
}

/// Runs a program and returns its status and its stderr, which is passed through as well.
pub(crate) fn errors(command: &mut Command) -> Result<(ExitStatus, String)> {
    eprintln!("$ {}", line(command));
    let child = command.stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| cannot_run(command))?;
    let mut printed = String::new();
    let stderr = child.stderr.take().context("no stderr")?;
    for line in BufReader::new(stderr).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        printed.push_str(&line);
        printed.push('\n');
    }
    Ok((child.wait()?, printed))
}

fn check_status(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run {}", command.get_program().display())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program
        .file_name()
        .unwrap_or(command.get_program())
        .display()
        .to_string()
}

/// The command as typed in a shell.
fn line(command: &Command) -> String {
    let mut line = name(command);
    for argument in command.get_args() {
        let _ = write!(line, " {}", argument.display());
    }
    line
}

/// Whether `cargo nextest` is installed.
pub(crate) fn has_nextest(root: &Path) -> bool {
    let status = cargo(root)
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = program(Path::new("sh"), Path::new("."));
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_program_is_named_in_the_error() {
        assert!(run(&mut shell("exit 0")).is_ok());
        let error = run(&mut shell("exit 3")).unwrap_err().to_string();
        assert!(error.starts_with("sh ended with"), "{error}");
    }

    #[test]
    fn output_of_a_failed_program_is_returned() {
        let (status, printed) = outcome(&mut shell("echo a; exit 3")).unwrap();
        assert_eq!((status.code(), printed.as_str()), (Some(3), "a\n"));
        assert!(outcome(&mut shell("echo a; kill -9 $$")).is_err());
        assert!(output(&mut shell("echo a; exit 3")).is_err());
        assert_eq!(output(&mut shell("echo a")).unwrap(), "a\n");
        let (status, printed) = errors(&mut shell("echo b >&2; exit 3")).unwrap();
        assert_eq!((status.code(), printed.as_str()), (Some(3), "b\n"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut program(Path::new("no-such-program"), Path::new(".")));
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "cannot run no-such-program");
    }

    #[test]
    fn a_hanging_program_is_killed() {
        let started = Instant::now();
        let mut sleep = program(Path::new("sleep"), Path::new("."));
        let error = run_within(Duration::from_millis(300), sleep.arg("60"));
        assert!(error.unwrap_err().to_string().contains("took longer"));
        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(run_within(Duration::from_secs(30), &mut shell("exit 0")).is_ok());
    }
}
