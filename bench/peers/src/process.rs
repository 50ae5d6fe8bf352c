//! A server process: start, health check, memory and stop.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// How often a starting server is polled.
const POLL: Duration = Duration::from_millis(5);
/// Time limit of a start.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running server with all its child processes.
pub(crate) struct Server {
    child: Child,
    /// The address it listens on.
    pub(crate) url: String,
    /// From the start of its process to its first response.
    pub(crate) start: Duration,
}

/// A free port.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts the program and waits until `health` responds. Its output goes to `log`.
    pub(crate) async fn start(
        mut command: Command,
        port: u16,
        health: &str,
        log: &Path,
    ) -> Result<Self> {
        let url = format!("http://127.0.0.1:{port}");
        let log = fs::File::create(log)?;
        let client = reqwest::Client::new();
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        // A process group, so that its workers stop with it.
        command.process_group(0);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        loop {
            let answer = client.get(format!("{url}{health}")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                let start = started.elapsed();
                return Ok(Self { child, url, start });
            }
            if let Some(status) = child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            if started.elapsed() > PATIENCE {
                bail!("{command:?} does not respond");
            }
            sleep(POLL).await;
        }
    }

    /// Total memory of its processes in megabytes: shared pages are counted once.
    pub(crate) fn memory(&self) -> Result<f64> {
        let root = self.child.id().context("it runs")?;
        let mut sum = 0;
        for process in tree(root)? {
            let maps =
                fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
            let share = maps.lines().find_map(|line| line.strip_prefix("Pss:"));
            let kilobytes = share.and_then(|share| share.split_whitespace().next());
            sum += kilobytes.map_or(Ok(0), str::parse::<u32>)?;
        }
        Ok(f64::from(sum) / 1024.0)
    }

    /// Stops it and its workers.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(id) = self.child.id() {
            let group = format!("-{id}");
            Command::new("kill")
                .args(["-TERM", "--", &group])
                .status()
                .await?;
            if tokio::time::timeout(Duration::from_secs(10), self.child.wait())
                .await
                .is_err()
            {
                Command::new("kill")
                    .args(["-KILL", "--", &group])
                    .status()
                    .await?;
                self.child.wait().await?;
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Stops a forgotten server with its workers too.
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            let group = format!("-{id}");
            let ended = std::process::Command::new("kill")
                .args(["-KILL", "--", &group])
                .status();
            drop(ended);
        }
    }
}

/// A process and all its descendants.
fn tree(root: u32) -> Result<Vec<u32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // `id (name) state parent ...`; the name can contain any character.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let behind = stat.rsplit_once(')').map(|(_, rest)| rest);
        let parent = behind.and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| **of == parent)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_includes_child_processes() {
        let own = std::process::id();
        let mut child = Command::new("sleep").arg("5").spawn().unwrap();
        let found = tree(own).unwrap();
        assert!(found.contains(&own) && found.contains(&child.id().unwrap()));
        child.kill().await.unwrap();
    }
}
