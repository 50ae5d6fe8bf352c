//! Documents and comments use plain words.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use regex::Regex;
use serde_json::Value;
use support::root;

use super::{documents, read};

/// Words and phrases that the documents do not use, in lower case.
const AVOIDED: [&str; 27] = [
    "all the same",
    "anew",
    "begins so",
    "for good",
    "go on",
    "goes on",
    "in vain",
    "is meant",
    "left alone",
    "made-up",
    "nobody",
    "none of ours",
    "oneself",
    "reckon",
    "reckoned",
    "reckons",
    "somebody",
    "tell",
    "tells",
    "themself",
    "there is no such thing",
    "what became of",
    "what becomes of",
    "what came of",
    "whatever",
    "whoever",
    "whomever",
];

/// The packages, by folder. Their comments and the names of their tests use plain words.
const PACKAGES: [&str; 12] = [
    "bench",
    "delivery",
    "directory",
    "dns",
    "domain",
    "functions",
    "fuzz",
    "local",
    "scim",
    "shared",
    "tests",
    "xtask",
];

/// The text without code and link targets, in lower case with single spaces.
fn prose(markdown: &str) -> String {
    let without_blocks: String = markdown.split("\n```").step_by(2).collect();
    let without_code: Vec<_> = without_blocks.split('`').step_by(2).collect();
    let mut text = String::new();
    for (n, part) in without_code.join("code").split("](").enumerate() {
        let after_target = part.split_once(')').map_or("", |(_, rest)| rest);
        text.push_str(if n == 0 { part } else { after_target });
        text.push(' ');
    }
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The avoided words in a text, as whole words.
fn avoided(prose: &str) -> Vec<&'static str> {
    let is_whole = |at: usize, word: &str| {
        let before = prose[..at].chars().next_back();
        let after = prose[at + word.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    };
    let words = AVOIDED.into_iter();
    words
        .filter(|word| prose.match_indices(word).any(|(at, _)| is_whole(at, word)))
        .collect()
}

/// The members of the OpenAPI document with text for people.
const DESCRIPTIONS: [&str; 2] = ["summary", "description"];
/// Those of its examples: of problems. All others are a customer's data.
const PROBLEMS: [&str; 2] = ["title", "detail"];

/// All texts of members with these names in a part of the OpenAPI document, and of problems in its examples.
fn descriptions(part: &Value, names: [&str; 2], texts: &mut Vec<String>) {
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if names.contains(&name.as_str()) => {
                        texts.push(prose(text));
                    }
                    _ if name == "example" || name == "value" => {
                        descriptions(member, PROBLEMS, texts);
                    }
                    _ => descriptions(member, names, texts),
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| descriptions(item, names, texts)),
        _ => {}
    }
}

#[test]
fn documents_use_plain_words() {
    let documents = documents().into_iter();
    let mut texts: BTreeMap<_, _> = documents
        .map(|(path, markdown)| (path.display().to_string(), prose(&markdown)))
        .collect();
    texts.insert("CHANGELOG.md".to_owned(), prose(&read("CHANGELOG.md")));
    let mut described = Vec::new();
    let api: Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    descriptions(&api, DESCRIPTIONS, &mut described);
    assert!(described.len() > 100, "the descriptions are found");
    let detail = prose("The resource does not exist, or you do not have access to it.");
    let is_there = described.iter().any(|text| text.starts_with(&detail));
    assert!(is_there, "the details of problems are found");
    texts.insert("docs/openapi.json".to_owned(), described.join("\n"));
    // Its descriptions are shown in the console of AWS.
    for settings in [
        "template.yaml",
        "samconfig.toml",
        "Cargo.toml",
        ".config/nextest.toml",
    ] {
        texts.insert(settings.to_owned(), prose(&read(settings)));
    }

    let wrong = texts.iter().filter_map(|(path, text)| {
        let found = avoided(text);
        (!found.is_empty()).then(|| format!("{path}: replace {found:?} with plain words"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn avoided_words_are_found_in_prose_only() {
    for (markdown, found) in [
        ("Whoever asks, gets it.", vec!["whoever"]),
        ("It goes\non.", vec!["goes on"]),
        ("[Made-up](nobody.md) requests", vec!["made-up"]),
        ("Renewanew, `anew` and\n```sh\nwhatever\n```\n", vec![]),
    ] {
        assert_eq!(avoided(&prose(markdown)), found, "{markdown}");
    }
}

/// All files in these folders whose names end like this, from the root, without installed packages and build results.
fn sources(folders: &[&str], ends: &[&str]) -> Vec<PathBuf> {
    let mut paths: Vec<_> = folders.iter().map(|name| root().join(name)).collect();
    let mut sources = Vec::new();
    while let Some(path) = paths.pop() {
        if path.ends_with("node_modules") || path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path
            .extension()
            .is_some_and(|end| ends.iter().any(|it| end == *it))
        {
            sources.push(path);
        }
    }
    sources
}

/// The comments of a file, which begin with `//`, `/*`, `<!--`, or `#` and a blank: one text for consecutive lines.
fn comments(source: &str) -> Vec<String> {
    let is_comment = |line: &str| {
        let mut starts = ["//", "/*", "<!--", "# "].into_iter();
        starts.any(|start| line.starts_with(start))
    };
    let lines: Vec<_> = source.lines().map(str::trim_start).collect();
    let blocks = lines.chunk_by(|one, next| is_comment(one) == is_comment(next));
    let blocks = blocks.filter(|block| is_comment(block[0]));
    blocks
        .map(|block| {
            let texts = block
                .iter()
                .map(|line| line.trim_start_matches(['/', '*', '<', '!', '-', '#']));
            texts.map(str::trim_start).collect::<Vec<_>>().join("\n")
        })
        .collect()
}

#[test]
fn comments_use_plain_words() {
    let (mut count, mut wrong) = (0, Vec::new());
    let ends = ["css", "html", "js", "mjs", "py", "rs", "toml", "yaml"];
    for path in sources(&PACKAGES, &ends) {
        for comment in comments(&fs::read_to_string(&path).unwrap()) {
            count += 1;
            let found = avoided(&prose(&comment));
            if !found.is_empty() {
                wrong.push(format!("{}: {found:?} in {comment}", path.display()));
            }
        }
    }
    assert!(count > 1_000, "{count} comments are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn comments_are_found_with_their_lines() {
    let source = "//! A `whatever`\n//! goes on.\n\n    /// C\nfn d() {} // e\n// f\n";
    let comments = comments(source);
    assert_eq!(comments, ["A `whatever`\ngoes on.", "C", "f"]);
    assert_eq!(avoided(&prose(&comments[0])), ["goes on"]);
}

/// Packages whose messages users and operators read: of errors, in logs, on the command line.
const WITH_MESSAGES: [&str; 9] = [
    "delivery",
    "directory",
    "dns",
    "domain",
    "functions",
    "local",
    "scim",
    "shared",
    "xtask",
];

/// The string literals in the code of a file of Rust before its tests.
fn literals(source: &str) -> Vec<String> {
    let code = source
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = code.lines().map(str::trim_start);
    let code: Vec<_> = lines.filter(|line| !line.starts_with("//")).collect();
    let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let code = code.join("\n");
    let found = literal.captures_iter(&code);
    found.map(|found| found[1].to_owned()).collect()
}

#[test]
fn messages_use_plain_words() {
    let (mut count, mut wrong) = (0, Vec::new());
    for path in sources(&WITH_MESSAGES, &["rs"]) {
        let of_package = path.strip_prefix(root()).unwrap();
        let mut parts = of_package.iter();
        if path.to_string_lossy().ends_with("tests.rs") || parts.any(|part| part == "tests") {
            continue;
        }
        for message in literals(&fs::read_to_string(&path).unwrap()) {
            // A message has several words.
            if !message.contains(' ') {
                continue;
            }
            count += 1;
            let text = prose(&message);
            let is_plain = avoided(&text).is_empty();
            if !is_plain {
                wrong.push(format!("{}: {message}", path.display()));
            }
        }
    }
    assert!(count > 500, "{count} messages are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn messages_are_found_in_the_code() {
    let source = "// \"a b\"\nlet c = \"d \\\"e\\\" f\";\n#[cfg(test)]\nmod tests {\n\"g h\"\n";
    assert_eq!(literals(source), ["d \\\"e\\\" f"]);
}

/// Names of the tests in a file of Rust.
fn test_names(source: &str) -> Vec<&str> {
    let tests = source.split("test]\n").skip(1);
    let functions = tests.filter_map(|rest| rest.split_once("fn "));
    functions
        .filter_map(|(_, rest)| rest.split_once(['(', '<']))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn test_names_are_short_and_plain() {
    let (mut count, mut long) = (0, Vec::new());
    for path in sources(&PACKAGES, &["rs"]) {
        let source = fs::read_to_string(&path).unwrap();
        for name in test_names(&source) {
            count += 1;
            let is_plain = avoided(&name.replace('_', " ")).is_empty();
            if name.len() > 60 || !is_plain {
                long.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(count > 500, "{count} tests are found");
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn test_names_are_found_after_their_attributes() {
    let source = "#[test]\nfn a() {}\n#[tokio::test]\n#[ignore]\nasync fn b_c() {}\nfn d() {}\n";
    assert_eq!(test_names(source), ["a", "b_c"]);
}
