//! Runs stories on moto, a second, independent DynamoDB emulator in Python. `tests/moto.txt` lists
//! the stories that depend on the database, and those that moto cannot run, each with the reason.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, has_nextest, outcome, output, program, run};
use crate::tools;

/// The list, from the root of the repository.
const LIST: &str = "tests/moto.txt";
/// A moto process uses one core, and the stories need another.
const SERVERS: usize = 2;
/// Makes moto handle one request at a time.
const PROGRAM: &str = "tests/moto_server.py";
/// The line that moto prints once it listens.
const RUNNING: &str = "Running on ";
/// A real region: moto knows no others.
const REGION: &str = "us-east-1";

/// The section with the stories to run, except those of the other sections.
const RUN: &str = "[run]";
/// The section with the stories that must fail there.
const CANNOT_PASS: &str = "[cannot pass]";
/// Of the whole workspace, as the step `test` compiles it: other features would recompile most
/// crates.
const STORIES: [&str; 3] = ["--workspace", "--test", "stories"];

/// Runs the selected stories.
pub(crate) fn check(root: &Path) -> Result<()> {
    let listed = listed(root)?;
    let names = chosen(&listed)?;
    let servers = Servers::start(root)?;
    let mut command = cargo(root);
    if has_nextest(root) {
        let filter: Vec<_> = names.iter().map(|name| format!("test(={name})")).collect();
        command.args(["nextest", "run", "--profile", "moto"]);
        command.args(STORIES).args(["-E", &filter.join(" | ")]);
    } else {
        command.arg("test").args(STORIES).args(["--", "--exact"]);
        command.args(names);
    }
    run(servers.lead(&mut command))
}

/// The stories to run: selected by one section and excluded by no other.
fn chosen(listed: &[(String, String)]) -> Result<Vec<&str>> {
    let (run, out): (Vec<_>, Vec<_>) = listed.iter().partition(|(_, part)| part == RUN);
    for (name, part) in &out {
        if !run.iter().any(|(it, _)| it == name) {
            bail!("{LIST} excludes {name} under {part}, but {RUN} does not include it");
        }
    }
    let is_out = |name: &String| out.iter().any(|(it, _)| it == name);
    let names = run.iter().filter(|(name, _)| !is_out(name));
    Ok(names.map(|(name, _)| name.as_str()).collect())
}

/// Runs each story that is known to fail, and fails if one passes: it can be removed from the list.
pub(crate) fn check_left_out(root: &Path) -> Result<()> {
    let listed = listed(root)?;
    let cannot_pass = listed.iter().filter(|(_, kind)| kind == CANNOT_PASS);
    let names: Vec<_> = cannot_pass.map(|(name, _)| name).collect();
    let servers = Servers::start(root)?;
    let mut command = cargo(root);
    command.arg("test").arg("--no-fail-fast").args(STORIES);
    command.args(["--", "--exact"]).args(&names);
    // The run itself fails as expected; its report names the failed tests.
    let (_, printed) = outcome(servers.lead(&mut command))?;
    let is = |name: &str, what: &str| printed.contains(&format!("test {name} ... {what}"));
    let not_failed: Vec<_> = names.iter().filter(|name| !is(name, "FAILED")).collect();
    if !not_failed.is_empty() {
        bail!("{LIST} says that these cannot pass, but they do: {not_failed:?}");
    }
    eprintln!("{} known failures, all of them still fail", names.len());
    Ok(())
}

/// The names of the stories in the list by section. Each must exist and have a reason.
fn listed(root: &Path) -> Result<Vec<(String, String)>> {
    let list = fs::read_to_string(root.join(LIST)).context(LIST)?;
    let mut command = cargo(root);
    command.arg("test").args(STORIES).args(["--", "--list"]);
    let printed = output(&mut command)?;
    let stories: Vec<_> = printed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    read(&list, &stories)
}

/// The list: `[sections]` with reasons in lines with `#`, and below them the names of stories. An
/// empty line ends a reason.
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
            bail!("{LIST} names {line} without a reason");
        } else {
            let is_listed = |story: &&&str| **story == line || below(line, story);
            let meant = stories.iter().filter(is_listed);
            let before = names.len();
            names.extend(meant.map(|story| ((*story).to_owned(), part.to_owned())));
            if names.len() == before {
                bail!("{LIST} names {line}, which is not a story");
            }
        }
    }
    Ok(names)
}

/// Whether the name of a story starts with a prefix that ends with `::`.
fn below(module: &str, story: &str) -> bool {
    module.ends_with("::") && story.starts_with(module)
}

/// Running instances, each on its own port. Dropping this stops them.
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

    /// Makes the stories use these instances.
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

/// Waits until it listens and returns its address. Drops the rest of its output, a line per
/// request.
fn listening(child: &mut Child) -> Result<String> {
    let stderr = child.stderr.take().context("moto has no stderr")?;
    let mut printed = String::new();
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
        printed.push_str(&line);
        line.clear();
    }
    bail!("moto did not start: {printed}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_excluded_by_other_sections_do_not_run() {
        let list = |parts: &[(&str, &str)]| -> Vec<(String, String)> {
            let parts = parts.iter();
            parts
                .map(|(name, part)| ((*name).to_owned(), (*part).to_owned()))
                .collect()
        };
        let listed = list(&[("a::b", RUN), ("a::c", RUN), ("a::c", CANNOT_PASS)]);
        assert_eq!(chosen(&listed).unwrap(), ["a::b"]);
        let error = chosen(&list(&[("a::b", RUN), ("d::e", CANNOT_PASS)])).unwrap_err();
        assert!(error.to_string().contains("d::e"), "{error}");
    }

    #[test]
    fn listed_stories_exist_and_have_a_reason() {
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
