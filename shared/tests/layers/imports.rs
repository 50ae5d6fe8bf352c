//! Reads the imports of a source. A text search suffices, because the sources are formatted.

use std::fs;
use std::path::{Path, PathBuf};

use super::OWN;

/// A source without its comments, its strings, and the tests at its end.
pub(crate) fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = source.lines().map(|line| {
        let line = line.split("//").next().unwrap();
        // What stands between quotes.
        let parts: Vec<_> = line.split('"').step_by(2).collect();
        parts.join("\"\"")
    });
    // A visibility is no import.
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("pub(in crate::", "pub(in ")
}

/// The paths in a source that begin with `crate`, `super` or a crate of ours, with groups written out.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let own = OWN.map(|own| format!("{own}::"));
    let starts = own.iter().map(String::as_str);
    let starts: Vec<_> = ["crate::", "super::"].into_iter().chain(starts).collect();
    paths_from(&starts, code)
}

/// The paths in a source that begin with one of these texts, with groups written out.
pub(crate) fn paths_from(starts: &[&str], code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in starts {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if !(before.is_alphanumeric() || before == '_' || before == ':' || before == '$') {
                expand("", &code[at..], &mut paths);
            }
        }
    }
    let without_alias = |path: String| match path.split_once(" as ") {
        Some((path, _)) => path.to_owned(),
        None => path,
    };
    paths.into_iter().map(without_alias).collect()
}

/// Adds the path at the start of the code, or each path of a group such as `a::{b, c::{d, e}}`. A path with a name of its
/// own is added with it: `a::b as c`.
pub(crate) fn expand(prefix: &str, code: &str, paths: &mut Vec<String>) {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = code.find(|c| !is_path(c)).unwrap_or(code.len());
    let path = format!("{prefix}{}", &code[..end]);
    let Some(group) = code[end..]
        .strip_prefix('{')
        .filter(|_| path.ends_with("::"))
    else {
        let path = path.trim_end_matches("::");
        let alias = code[end..].strip_prefix(" as ").unwrap_or_default();
        let alias = alias.split(|c| !is_path(c)).next().unwrap();
        paths.push(match alias {
            "" => path.to_owned(),
            alias => format!("{path} as {alias}"),
        });
        return;
    };
    let (mut depth, mut item) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = group[item..at].trim_start();
                if !part.is_empty() {
                    expand(&path, part, paths);
                }
                item = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// A path from its crate on: `super::keys` in `muster::store::users` is `muster::store::keys`.
pub(crate) fn absolute(path: &str, module: &str) -> String {
    let root = module.split("::").next().unwrap();
    if let Some(rest) = path.strip_prefix("crate") {
        return format!("{root}{rest}");
    }
    let (mut own, mut rest) = (module, path);
    while let Some(after) = rest.strip_prefix("super") {
        own = own.rsplit_once("::").map_or(own, |(above, _)| above);
        rest = after.strip_prefix("::").unwrap_or(after);
    }
    if rest == path {
        return path.to_owned();
    }
    format!("{own}::{rest}")
}

/// Adds the sources below a folder, without tests.
pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}
