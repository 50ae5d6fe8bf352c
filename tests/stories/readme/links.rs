//! Links have targets, and named paths exist.

use std::collections::BTreeSet;
use std::fs;

use support::root;

use super::{README, blocks, code, documents, section};

/// The files of the example endpoint in the documents, which do not exist.
const EXAMPLE: &str = "audit";

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(markdown: &str) -> BTreeSet<String> {
    let prose = markdown.split("\n```").step_by(2);
    let lines = prose
        .flat_map(str::lines)
        .filter(|line| line.starts_with('#'));
    lines
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn every_link_has_a_target() {
    let documents = documents();
    let mut links = 0;
    for (path, markdown) in &documents {
        let prose: String = markdown.split("\n```").step_by(2).collect();
        for rest in prose.split("](").skip(1) {
            let (target, _) = rest.split_once(')').expect("a link ends");
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let there = root().join(&to);
            assert!(there.exists(), "{}: {target}", path.display());
            if !fragment.is_empty() {
                let text = fs::read_to_string(there).unwrap();
                assert!(
                    anchors(&text).contains(fragment),
                    "{}: no heading {target}",
                    path.display()
                );
            }
        }
    }
    assert!(links > 20, "the links are found");
}

#[test]
fn every_named_path_exists() {
    let tops = [
        "domain/",
        "functions/",
        "shared/",
        "local/",
        "tests/",
        "xtask/",
        "events/",
        "docs/",
        "bench/",
    ];
    let mut paths = 0;
    for (path, markdown) in documents() {
        for named in code(&markdown) {
            let named = named.split_whitespace().next().unwrap_or_default();
            let named = named.trim_end_matches(',');
            if !tops.iter().any(|top| named.starts_with(top)) || named.contains(EXAMPLE) {
                continue;
            }
            paths += 1;
            let (known, _) = named.split_once(['<', '*']).unwrap_or((named, ""));
            assert!(root().join(known).exists(), "{}: {named}", path.display());
        }
    }
    assert!(paths > 20, "the paths are found");
}

#[test]
fn every_file_of_the_layout_exists() {
    let parts = section(README, "How it is put together");
    let layout = &blocks(parts)[1];
    for line in layout.text.lines() {
        let named = line.split_whitespace().next().unwrap();
        let (known, _) = named.split_once('<').unwrap_or((named, ""));
        assert!(root().join(known).exists(), "{line}");
    }
}
