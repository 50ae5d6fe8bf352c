//! The stories on a second, independent DynamoDB: moto, in Python. What it cannot do is left out by
//! name, with the reason, in `tests/moto-left-out.txt`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, outcome, output, program, run};
use crate::step::has_nextest;
use crate::tools;

/// The list, from the root of the repository.
const LEFT_OUT: &str = "tests/moto-left-out.txt";
/// One program uses one core, and the stories need the other.
const SERVERS: usize = 2;
/// Has moto serve one request at a time.
const PROGRAM: &str = "tests/moto_server.py";
/// What moto tells once it listens.
const RUNNING: &str = "Running on ";
/// A region that there is: moto knows no others.
const REGION: &str = "us-east-1";

/// What the list begins those with that fail there, and are there to be seen failing.
const CANNOT_PASS: &str = "[cannot pass]";
const STORIES: [&str; 4] = ["--package", "muster-tests", "--test", "stories"];

/// Runs all stories but those that are left out.
pub(crate) fn check(root: &Path) -> Result<()> {
    let left_out = left_out(root)?;
    let servers = Servers::start(root)?;
    let names = left_out.iter().map(|(name, _)| name.as_str());
    let mut command = cargo(root);
    if has_nextest(root) {
        let filter: Vec<_> = names.map(|name| format!("test(={name})")).collect();
        let filter = format!("not ({})", filter.join(" | "));
        command.args(["nextest", "run", "--profile", "moto"]);
        command.args(STORIES).args(["-E", &filter]);
    } else {
        command.arg("test").args(STORIES).args(["--", "--exact"]);
        command.args(names.flat_map(|name| ["--skip", name]));
    }
    run(servers.lead(&mut command))
}

/// Runs each story that cannot pass, and fails when one does: it need be left out no more.
pub(crate) fn check_left_out(root: &Path) -> Result<()> {
    let left_out = left_out(root)?;
    let cannot_pass = left_out.iter().filter(|(_, kind)| kind == CANNOT_PASS);
    let names: Vec<_> = cannot_pass.map(|(name, _)| name).collect();
    let servers = Servers::start(root)?;
    let mut command = cargo(root);
    command.arg("test").arg("--no-fail-fast").args(STORIES);
    command.args(["--", "--exact"]).args(&names);
    // It fails, as it should: what counts is which.
    let (_, told) = outcome(servers.lead(&mut command))?;
    let is = |name: &str, what: &str| told.contains(&format!("test {name} ... {what}"));
    let not_failed: Vec<_> = names.iter().filter(|name| !is(name, "FAILED")).collect();
    if !not_failed.is_empty() {
        bail!("{LEFT_OUT} leaves out what does not fail: {not_failed:?}");
    }
    eprintln!("{} cannot pass, and none of them does", names.len());
    Ok(())
}

/// Names of the stories that are left out, each with its part of the list. Each is there, and has a
/// reason.
fn left_out(root: &Path) -> Result<Vec<(String, String)>> {
    let list = fs::read_to_string(root.join(LEFT_OUT)).context(LEFT_OUT)?;
    let mut command = cargo(root);
    command.arg("test").args(STORIES).args(["--", "--list"]);
    let told = output(&mut command)?;
    let stories: Vec<_> = told
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    read(&list, &stories)
}

/// The list: `[parts]`, in which `#` lines say why, and lines below them which stories. An empty line
/// ends a reason.
fn read(list: &str, stories: &[&str]) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    let (mut part, mut has_reason) = ("", false);
    for line in list.lines().map(str::trim) {
        if line.is_empty() {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if line.starts_with('[') {
            part = line;
        } else if !has_reason {
            bail!("{LEFT_OUT} leaves out {line} without a reason");
        } else {
            let is_meant = |story: &&&str| **story == line || below(line, story);
            let meant = stories.iter().filter(is_meant);
            let before = names.len();
            names.extend(meant.map(|story| ((*story).to_owned(), part.to_owned())));
            if names.len() == before {
                bail!("{LEFT_OUT} leaves out {line}, which is no story");
            }
        }
    }
    Ok(names)
}

/// Whether a story is below what ends with `::`.
fn below(module: &str, story: &str) -> bool {
    module.ends_with("::") && story.starts_with(module)
}

/// Some of them that run, each on a port of its own. They end with this.
struct Servers(Vec<(Child, String)>);

impl Servers {
    fn start(root: &Path) -> Result<Self> {
        let python = tools::moto_python(root)?;
        let mut servers = Self(Vec::new());
        for _ in 0..SERVERS {
            let child = program(&python, root)
                .arg(PROGRAM)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .context("cannot run moto")?;
            servers.0.push((child, String::new()));
        }
        for (child, url) in &mut servers.0 {
            *url = listening(child)?;
            eprintln!("moto listens on {url}");
        }
        Ok(servers)
    }

    /// Has the stories use these.
    fn lead<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let urls: Vec<_> = self.0.iter().map(|(_, url)| url.as_str()).collect();
        command
            .env("MUSTER_TEST_DYNAMODB", urls.join(","))
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "moto")
            .env("AWS_SECRET_ACCESS_KEY", "moto")
            .env_remove("AWS_SESSION_TOKEN")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until it listens: where. What it tells after that (a line for each request) is dropped.
fn listening(child: &mut Child) -> Result<String> {
    let stderr = child.stderr.take().context("moto has no stderr")?;
    let mut told = String::new();
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if let Some((_, url)) = line.split_once(RUNNING) {
            let url = url.trim().to_owned();
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut lines.by_ref(), &mut std::io::sink());
            });
            return Ok(url);
        }
        told.push_str(&line);
        line.clear();
    }
    bail!("moto did not start: {told}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_there_and_has_a_reason() {
        let list =
            "[too much]\n\n# It is slow,\n# and old.\na::b\na::c\n\n[cannot pass]\n# No.\nd::\n";
        let stories = ["a::b", "a::c", "a::d", "d::e", "d::f"];
        let read = |list: &str| read(list, &stories);
        let (slow, cannot) = ("[too much]", "[cannot pass]");
        let expected = [
            ("a::b", slow),
            ("a::c", slow),
            ("d::e", cannot),
            ("d::f", cannot),
        ];
        let expected = expected.map(|(name, part)| (name.to_owned(), part.to_owned()));
        assert_eq!(read(list).unwrap(), expected);
        for bad in [
            "a::b",
            "# Why.\n\na::b",
            "# Why.\na::z",
            "# Why.\nz::",
            "# Why.\na::",
        ] {
            let is_bad = read(bad).is_err();
            assert_eq!(is_bad, bad != "# Why.\na::", "{bad}");
        }
    }
}
