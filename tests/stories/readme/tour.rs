//! The tour, and other commands with shown output: they print what the document shows.

use std::process::Stdio;

use muster_local::Options;
use support::{World, has_curl, root, skipped};

use super::{README, blocks, code, read, section};

/// The line of the tour that has an alternative.
const ADDRESS: &str = "MUSTER=http://127.0.0.1:3000\n";
/// Marks omitted text.
const LEFT_OUT: char = '…';

/// Whether a line matches the pattern, in which [`LEFT_OUT`] matches any text.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split(LEFT_OUT);
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(end) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(end)
}

async fn bash(script: &str) -> String {
    let output = tokio::process::Command::new("bash")
        .args(["-c", script])
        .current_dir(root())
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .await
        .expect("bash is there");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the blocks of a section in order, compares the output of each, and returns their number.
async fn prints_what_it_shows(document: &str, heading: &str) -> usize {
    let world = World::with(Options {
        event_sources: true,
        invitation_mails: true,
        ..Options::default()
    })
    .await;
    let tour = section(document, heading);
    assert_eq!(tour.matches(ADDRESS).count(), 1);
    let address = format!("MUSTER={}\n", world.stack.url());
    let tour = tour.replace(ADDRESS, &address);

    let mut script = String::new();
    let mut shown: Vec<(&str, Vec<&str>)> = Vec::new();
    for block in blocks(&tour) {
        match block.language {
            "bash" => {
                script.push_str(block.text);
                script.push_str("\nprintf '\\f'\n");
                shown.push((block.text, Vec::new()));
            }
            "text" => shown.last_mut().unwrap().1 = block.text.lines().collect(),
            other => panic!("the tour has a block of {other:?}"),
        }
    }
    let count = shown.len();

    let printed = bash(&script).await;
    let printed: Vec<_> = printed.split('\u{c}').collect();
    assert_eq!(printed.len(), shown.len() + 1);
    for ((block, shown), printed) in shown.into_iter().zip(printed) {
        let lines: Vec<_> = printed.lines().filter(|line| !line.is_empty()).collect();
        let as_shown = lines.len() == shown.len()
            && shown
                .iter()
                .zip(&lines)
                .all(|(shown, line)| matches(shown, line));
        assert!(
            as_shown,
            "\n{block}\n\nis shown with\n{}\n\nit prints\n{printed}",
            shown.join("\n")
        );
    }
    count
}

#[tokio::test]
async fn the_tour_prints_what_the_readme_shows() {
    if !has_curl().await {
        return skipped("the tour", "curl");
    }
    let count = prints_what_it_shows(README, "A two-minute tour").await;
    assert!(count > 8, "the tour is found");
}

#[tokio::test]
async fn the_webhook_of_the_readme_arrives() {
    if !has_curl().await {
        return skipped("the webhook", "curl");
    }
    let count = prints_what_it_shows(README, "A webhook in a minute").await;
    assert_eq!(count, 3);
}

#[tokio::test]
async fn a_login_through_entra_prints_what_its_page_shows() {
    if !has_curl().await {
        return skipped("the login", "curl");
    }
    let page = read("docs/LOCAL_ENTRA.md");
    assert_eq!(prints_what_it_shows(&page, "Sign in").await, 2);
}

#[test]
fn patterns_reject_other_output() {
    assert!(matches("{…\"a\":1,…}", "{\"a\":1,\"b\":2}"));
    assert!(matches("204", "204"));
    for (pattern, line) in [
        ("204", "2040"),
        ("204", "204 "),
        ("{…\"a\":1…}", "{\"a\":2}"),
        ("{…\"b\":2…\"a\":1…}", "{\"a\":1,\"b\":2}"),
        ("{…\"a\":1}", "{\"a\":1,\"b\":2}"),
    ] {
        assert!(!matches(pattern, line), "{pattern} {line}");
    }
}

#[tokio::test]
async fn the_local_stack_accepts_the_event_of_the_readme() {
    if !has_curl().await {
        return skipped("the event", "curl");
    }
    let world = World::start().await;
    let local = section(README, "The local stack");
    let commands = code(local)
        .into_iter()
        .filter(|line| line.starts_with("curl "));
    let commands: Vec<_> = commands.collect();
    assert!(!commands.is_empty());
    for command in commands {
        let command = command.replace("http://127.0.0.1:3000", world.stack.url());
        let answer = bash(&command.replace("curl ", "curl -s ")).await;
        assert!(answer.contains("\"statusCode\":200"), "{answer}");
    }
}
