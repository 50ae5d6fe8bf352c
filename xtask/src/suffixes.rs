//! Writes the rules of the Public Suffix List from the crate `psl`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::command::cargo;
use crate::metadata::{Package, package};

/// The crate.
const CRATE: &str = "psl";
/// Its rules, as people write them.
const RULES: &str = "data/rules.txt";
/// The list, with the names as they are looked up in DNS.
const LIST: &str = "domain/src/organization_domain/public_suffixes.txt";

/// Writes the list from the release of the crate that `Cargo.lock` names, sorted, one rule a line. Prints the version,
/// which `docs/DOMAINS.md` names.
pub(crate) fn write(root: &Path) -> Result<()> {
    let List {
        text,
        rules,
        version,
    } = list(root)?;
    fs::write(root.join(LIST), text).with_context(|| format!("{LIST} cannot be written"))?;
    println!("{LIST}: {rules} rules of {CRATE} {version}");
    Ok(())
}

/// The list as it is written.
struct List {
    text: String,
    rules: usize,
    version: String,
}

fn list(root: &Path) -> Result<List> {
    let Package {
        version,
        manifest_path,
        ..
    } = package(cargo(root).arg("metadata"), CRATE)?;
    let rules = fs::read_to_string(manifest_path.with_file_name("").join(RULES))?;
    let rules = rules.lines().map(ascii).collect::<Result<BTreeSet<_>>>()?;
    ensure!(rules.len() > 5_000, "the list has {} rules", rules.len());
    let lines: Vec<_> = rules.iter().map(String::as_str).collect();
    Ok(List {
        text: lines.join("\n") + "\n",
        rules: rules.len(),
        version,
    })
}

/// A rule with its name in ASCII. It may begin with `*.`, or as an exception with `!`.
fn ascii(rule: &str) -> Result<String> {
    let name = rule.trim_start_matches(['*', '.', '!']);
    let sign = rule.strip_suffix(name).unwrap_or_default();
    let ascii = idna::domain_to_ascii(name).with_context(|| rule.to_owned())?;
    Ok(format!("{sign}{ascii}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

    #[test]
    fn the_list_is_that_of_the_crate() {
        let List { text, version, .. } = list(&root()).unwrap();
        let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
        assert!(read(LIST) == text, "run `cargo xtask suffixes`");
        let document = read("docs/DOMAINS.md");
        assert!(
            document.contains(&version),
            "docs/DOMAINS.md names another release than {version}"
        );
    }
}
