//! A function in a process of its own, with its resource usage.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::runtime_api::RuntimeApi;

/// A function that has polled for its first event. Dropping this stops it.
pub(crate) struct Process {
    child: Child,
    /// The source of its events.
    pub(crate) api: RuntimeApi,
    /// From the start of the process to its first poll.
    pub(crate) start: Duration,
}

/// Environment variables.
pub(crate) type Variables = [(String, String)];

/// Lambda's environment variables for every function.
pub(crate) fn of_lambda(runtime_api: &str) -> Vec<(String, String)> {
    let all = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "function"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("TABLE_NAME", "muster"),
    ];
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
    all.to_vec()
}

impl Process {
    /// Starts the program and waits for its first poll.
    pub(crate) fn start(program: &Path, variables: &Variables) -> Result<Self> {
        Self::under(&[], program, variables)
    }

    /// The same under another program, such as a profiler with its arguments.
    pub(crate) fn under(around: &[&str], program: &Path, variables: &Variables) -> Result<Self> {
        let api = RuntimeApi::start()?;
        let mut command = match around {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(of_lambda(&api.address))
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot run {}", program.display()))?;
        let mut process = Self {
            child,
            api,
            start: Duration::ZERO,
        };
        let polled = process.api.polled();
        process.start =
            polled.with_context(|| format!("{} never polled", program.display()))? - started;
        Ok(process)
    }

    /// CPU time of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = schedstat.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Peak resident memory, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.context("no VmHWM in /proc")?;
        let kibibytes = kibibytes.trim().trim_end_matches(" kB");
        Ok(kibibytes.parse::<u64>()? * 1024)
    }

    /// Stops it so that a profiler can write its output.
    pub(crate) fn end(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
