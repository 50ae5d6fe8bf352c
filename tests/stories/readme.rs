//! Checks README.md and docs/: the tour prints what the README shows, named things exist, and names
//! match the code.

#![cfg(test)]

mod data_model;
mod links;
mod parameters;
mod tour;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use muster::http::Code;
use strum::VariantArray as _;
use support::root;

const README: &str = include_str!("../../README.md");
const PROBLEMS: &str = include_str!("../../docs/PROBLEMS.md");

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// README.md, CONTRIBUTING.md and all of docs/ and events/, by path from the root.
pub(crate) fn documents() -> BTreeMap<PathBuf, String> {
    let mut documents =
        BTreeMap::from(["README.md", "CONTRIBUTING.md"].map(|path| (path.into(), read(path))));
    let mut folders = ["docs", "events"].map(PathBuf::from).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                documents.insert(path.clone(), read(path.to_str().unwrap()));
            }
        }
    }
    documents
}

/// A fenced block: its language and its text.
#[derive(Debug, PartialEq)]
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    pub(crate) text: &'a str,
}

pub(crate) fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut fences = markdown.split("\n```");
    let mut blocks = Vec::new();
    fences.next();
    while let Some(block) = fences.next() {
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        blocks.push(Block { language, text });
        assert!(fences.next().is_some(), "an unclosed fence:\n{block}");
    }
    blocks
}

/// The text between a heading of the second level and the next one.
pub(crate) fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let heading = format!("\n## {heading}\n");
    let (_, rest) = markdown.split_once(&heading).expect(&heading);
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

/// All code: each line of a fenced block, each span in backticks.
fn code(markdown: &str) -> Vec<&str> {
    let fenced = blocks(markdown);
    let lines = fenced.iter().flat_map(|block| block.text.lines());
    let prose = markdown.split("\n```").step_by(2);
    let spans = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2));
    lines.chain(spans).map(str::trim).collect()
}

#[test]
fn every_problem_is_documented() {
    let headings: Vec<_> = PROBLEMS
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let codes: Vec<_> = Code::VARIANTS.iter().map(|code| code.as_str()).collect();
    assert_eq!(headings, codes, "each once, in the order of the source");
    for code in Code::VARIANTS {
        let name = code.as_str();
        let (status, title) = (code.status(), code.title());
        let first = format!("\n**{status}** {title}. `urn:muster:problem:{name}`\n\n");
        let entry = section(PROBLEMS, name);
        assert!(entry.starts_with(&first), "{name}: {entry}");
        let rest = entry.strip_prefix(&first).unwrap_or_default();
        assert!(rest.trim().len() > 40, "{name} says what to do");
        let waits = entry.contains("`Retry-After`");
        assert_eq!(waits, code.retry_after().is_some(), "{name}: Retry-After");
    }
}
