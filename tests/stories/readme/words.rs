//! The documents use plain words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{documents, read};

/// Words and phrases that the documents do not use, in lower case.
const AVOIDED: [&str; 20] = [
    "anew",
    "begins so",
    "go on",
    "goes on",
    "is meant",
    "made-up",
    "nobody",
    "none of ours",
    "oneself",
    "reckon",
    "reckoned",
    "reckons",
    "somebody",
    "tells",
    "themself",
    "there is no such thing",
    "what came of",
    "whatever",
    "whoever",
    "whomever",
];

/// The text without code and without the targets of links, in lower case and with single spaces.
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

/// All summaries and descriptions in a part of the OpenAPI document.
fn descriptions(part: &Value, texts: &mut Vec<String>) {
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "summary" || name == "description" => {
                        texts.push(prose(text));
                    }
                    // Of a customer, not of this document.
                    _ if name == "example" || name == "value" => {}
                    _ => descriptions(member, texts),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, texts)),
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
    descriptions(&api, &mut described);
    assert!(described.len() > 100, "the descriptions are found");
    texts.insert("docs/openapi.json".to_owned(), described.join("\n"));

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
