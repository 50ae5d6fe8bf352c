//! Named commands, options, parameters and outputs exist, with their defaults.

use std::collections::{BTreeMap, BTreeSet};

use super::{README, blocks, code, documents, read, section};

/// The options of clap: fields with `#[arg(long`.
fn options(source: &str) -> BTreeSet<String> {
    let mut options = BTreeSet::from(["--help".to_owned()]);
    for declared in source.split("#[arg(long").skip(1) {
        let (_, rest) = declared.split_once("]\n").unwrap();
        let (field, _) = rest.trim_start().split_once(':').unwrap();
        options.insert(format!("--{}", field.replace('_', "-")));
    }
    options
}

/// The names of an enum's variants in clap.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(&format!("enum {name} {{\n")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let names = body.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| line.trim_end_matches([',', '{', ' ']).to_lowercase())
    });
    names.collect()
}

#[test]
fn every_named_command_exists() {
    let local = options(&read("local/src/main.rs"));
    let main = read("xtask/src/main.rs");
    let with_parts = ["proofs.rs", "mutants/mod.rs"].map(|file| read(&format!("xtask/src/{file}")));
    let (xtask, chores) = (
        options(&(main.clone() + &with_parts.concat())),
        variants(&main, "Chore"),
    );
    let steps = variants(&read("xtask/src/step.rs"), "Step");
    let mut commands = 0;
    for (path, markdown) in documents() {
        let path = path.display();
        for line in code(&markdown) {
            let line = line.split(" #").next().unwrap_or_default();
            if let Some((_, arguments)) = line.split_once("cargo run") {
                commands += 1;
                let mut words = arguments.split_whitespace();
                assert!(
                    words.clone().next().is_none_or(|word| word == "--"),
                    "{path}: {line}"
                );
                assert!(
                    words.all(|word| !word.starts_with("--")
                        || word == "--"
                        || local.contains(word)),
                    "{path}: {line}"
                );
            }
            if let Some((_, arguments)) = line.split_once("cargo xtask") {
                commands += 1;
                let words: Vec<_> = arguments.split_whitespace().collect();
                if let Some(chore) = words.first() {
                    assert!(chores.contains(*chore), "{path}: {line}");
                }
                for pair in words.windows(2) {
                    assert!(
                        pair[0] != "--only" || steps.contains(pair[1]),
                        "{path}: {line}"
                    );
                }
                assert!(
                    words
                        .iter()
                        .all(|word| !word.starts_with("--") || xtask.contains(*word)),
                    "{path}: {line}"
                );
            }
        }
    }
    assert!(commands > 4, "the commands are found");
}

/// The first cells of the tables in a section, without backticks, with the rest of each row.
fn rows(section: &str) -> BTreeMap<&str, &str> {
    let rows = section.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once('`')?;
        Some((name, rest))
    });
    rows.collect()
}

#[test]
fn every_option_of_the_local_stack_is_in_the_readme() {
    let rows = rows(section(README, "The local stack"));
    let named: BTreeSet<_> = rows
        .keys()
        .filter_map(|name| name.split_whitespace().next())
        .filter(|name| name.starts_with("--"))
        .map(str::to_owned)
        .collect();
    let mut there = options(&read("local/src/main.rs"));
    there.remove("--help");
    assert_eq!(named, there);
}

/// The names under a heading of the template: those indented by two spaces.
fn names_in_template<'a>(template: &'a str, part: &str) -> BTreeSet<&'a str> {
    let (_, rest) = template.split_once(&format!("\n{part}:\n")).unwrap();
    let end = rest.find("\n\n").unwrap_or(rest.len());
    let (part, _) = rest.split_at(end);
    let names = part.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        (!name.starts_with([' ', '#'])).then_some(name)
    });
    names.collect()
}

#[test]
fn every_parameter_is_documented_with_its_default() {
    let template = read("template.yaml");
    let (_, rest) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = rest.split_once("\n\n").unwrap();
    let page = read("docs/PARAMETERS.md");
    let (page, outputs) = page.split_once("\n## Outputs\n").unwrap();
    let rows = rows(page);
    // Those of the login are explained on their own page.
    let of_login = read("docs/ENTRA.md");
    let row_of = |parameter: &str| {
        let named = format!("`{parameter}`");
        let mut lines = of_login.lines().filter(|line| line.starts_with("| `"));
        lines.find(|line| line.contains(&named)).map(str::to_owned)
    };
    let mut parameter = "";
    let mut found = BTreeSet::new();
    for line in parameters.lines() {
        if let Some(name) = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'))
            && !name.starts_with(' ')
        {
            parameter = name;
            if row_of(name).is_none() {
                found.insert(name);
            }
        }
        let default = line
            .strip_prefix("    Default: ")
            .map(|text| text.trim_matches('"'));
        if let Some(default) = default {
            let of_login = row_of(parameter);
            let row = of_login.as_deref().or(rows.get(parameter).copied());
            let row = row.unwrap_or_default();
            assert!(
                (default.is_empty() || row.contains("default")) && row.contains(default),
                "{parameter}: {row}"
            );
        }
    }
    assert_eq!(rows.into_keys().collect::<BTreeSet<_>>(), found);

    let there = names_in_template(&template, "Outputs");
    let table = outputs.lines().filter(|line| line.starts_with("| `"));
    let named = table.flat_map(|row| {
        let (_, names) = row.split_once("| ").unwrap();
        let (names, _) = names.split_once(" |").unwrap();
        names.split(", ").map(|name| name.trim_matches('`'))
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), there);
}

/// `Name=value` after `--parameter-overrides`, and `<Name>` for an output of the stack.
#[test]
fn commands_use_existing_parameters_and_outputs() {
    let template = read("template.yaml");
    let parameters = names_in_template(&template, "Parameters");
    let outputs = names_in_template(&template, "Outputs");
    let (mut set, mut used) = (0, 0);
    for (path, markdown) in documents() {
        let path = path.display();
        let shell = blocks(&markdown);
        let shell = shell.iter().filter(|block| block.language == "sh");
        for block in shell {
            let text = block.text.replace("\\\n", " ");
            for line in text.lines() {
                let overrides = line.split_once("--parameter-overrides ");
                let words = overrides.map(|(_, rest)| rest.split_whitespace());
                for (name, _) in words
                    .into_iter()
                    .flatten()
                    .filter_map(|word| word.split_once('='))
                {
                    set += 1;
                    let name = name.trim_start_matches(['"', '\'']);
                    assert!(parameters.contains(name), "{path}: {name} in {line}");
                }
                let placeholders = line
                    .split('<')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('>'));
                for (name, _) in placeholders {
                    // A placeholder with a capital is an output; the others are for the reader's
                    // values.
                    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                        used += 1;
                        assert!(outputs.contains(name), "{path}: <{name}> in {line}");
                    }
                }
            }
        }
    }
    assert!(set > 3 && used > 5, "the commands are found");
}

#[test]
fn the_functions_with_access_to_secrets_are_named() {
    let template = muster_local::template::read(muster_local::TEMPLATE).unwrap();
    let with_access = template.functions.iter().filter(|function| {
        let mut rights = function.rights.iter().filter(|it| it.index.is_none());
        rights.any(|right| {
            let mut denials = function.denials.iter();
            !denials.any(|it| it.operation == right.operation && it.keys.contains("#!SECRETS#"))
        })
    });
    let with_access: BTreeSet<_> = with_access.map(|it| it.binary.clone()).collect();
    let security = read("docs/SECURITY.md");
    let (_, rest) = security
        .split_once("policies of all functions except these seven deny access to these partitions:")
        .unwrap();
    let (table, _) = rest.trim_start().split_once("\n\n").unwrap();
    let named: BTreeSet<_> = table
        .lines()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(named.len(), 7);
    assert_eq!(named, with_access);
}
