//! What README.md and docs/ say is so: the tour prints what is written under it, what is named is
//! there, and nothing that has a name in the code has another one in the text.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use muster::http::Code;
use serde_json::{Value, json};
use support::{World, root};

const README: &str = include_str!("../../README.md");
const PROBLEMS: &str = include_str!("../../docs/PROBLEMS.md");
/// The one line of the tour that another one may stand for.
const ADDRESS: &str = "MUSTER=http://127.0.0.1:3000\n";
/// Stands for text that was left out.
const LEFT_OUT: char = '…';
/// What the example of a new endpoint is called: its files are not there.
const EXAMPLE: &str = "audit";

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// README.md and all of docs/, by their paths from the root.
pub(crate) fn documents() -> BTreeMap<PathBuf, String> {
    let mut documents = BTreeMap::from([("README.md".into(), README.to_owned())]);
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
        assert!(fences.next().is_some(), "a fence stays open:\n{block}");
    }
    blocks
}

/// What stands between a heading of the second level and the next one.
pub(crate) fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let heading = format!("\n## {heading}\n");
    let (_, rest) = markdown.split_once(&heading).expect(&heading);
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

/// All that is set as code: each line of a fenced block, each span between backticks.
fn code(markdown: &str) -> Vec<&str> {
    let fenced = blocks(markdown);
    let lines = fenced.iter().flat_map(|block| block.text.lines());
    let prose = markdown.split("\n```").step_by(2);
    let spans = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2));
    lines.chain(spans).map(str::trim).collect()
}

/// Whether a line is as the pattern says, in which [`LEFT_OUT`] stands for anything.
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

/// Runs the blocks of a section one after the other; each prints what is shown under it. How many.
async fn prints_what_it_shows(document: &str, heading: &str) -> usize {
    let world = World::start().await;
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
    let count = prints_what_it_shows(README, "A two-minute tour").await;
    assert!(count > 8, "the tour is found");
}

#[tokio::test]
async fn a_login_through_entra_comes_to_what_its_page_shows() {
    let page = read("docs/LOCAL_ENTRA.md");
    assert_eq!(prints_what_it_shows(&page, "Sign in").await, 2);
}

#[test]
fn a_pattern_is_not_met_by_what_it_does_not_show() {
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
async fn the_local_stack_takes_the_event_that_the_readme_sends() {
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

/// The rows of the table of items: `pk`, `sk`, `gsi1pk`, `gsi1sk`.
fn item_rows(markdown: &str) -> BTreeSet<Vec<String>> {
    let rows = section(markdown, "Items").lines();
    let rows = rows.filter(|line| line.starts_with("| ") && line.contains("TENANT#"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|').skip(1);
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    })
    .collect()
}

#[tokio::test]
async fn the_items_are_as_the_data_model_says() {
    let world = World::start().await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let email = json!({"email": "ada@acme.example"});
    root.put("/users/ada", email).await.expect(201);
    let mut ids = Vec::new();
    for deleted in [true, false] {
        let made = json!({"name": "folded", "domain": "acme.example"});
        let made = ada
            .post_once("/organizations", &format!("k{deleted}"), made)
            .await;
        let id = made.expect(201).body["id"].as_str().unwrap().to_owned();
        let path = format!("/organizations/{id}");
        if deleted {
            ada.delete(&path).await.expect(204);
        } else {
            let team = ada
                .post(&format!("{path}/teams"), json!({"name": "folded"}))
                .await;
            ids.push((
                team.expect(201).body["id"].as_str().unwrap().to_owned(),
                "m",
            ));
        }
        ids.push((id, "o"));
    }
    let team = root
        .post("/teams", json!({"name": "folded"}))
        .await
        .expect(201);
    let team = team.body["id"].as_str().unwrap().to_owned();
    let ada_joins = json!({"user_id": "ada"});
    root.post(&format!("/teams/{team}/members"), ada_joins)
        .await
        .expect(201);
    ids.push((team, "m"));

    let said = item_rows(&read("docs/DATA_MODEL.md"));
    let mut found = BTreeSet::new();
    for item in world.items().await {
        let text = |attribute: &str| {
            item.get(attribute)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let generic = |attribute: &str| {
            let mut key = text(attribute).to_owned();
            for (id, letter) in &ids {
                key = key.replace(id, letter);
            }
            for (own, letter) in [
                ("#acme", "#t"),
                ("#ada@acme.example", "#email"),
                ("#ada", "#u"),
                ("folded", "name"),
            ] {
                key = key.replace(own, letter);
            }
            match key.split_once("#IDEMPOTENCY#") {
                Some((tenant, rest)) => {
                    assert_eq!(rest.split('#').count(), 3, "{rest}");
                    format!("{tenant}#IDEMPOTENCY#u#route#digest")
                }
                None => key,
            }
        };
        found.insert(["pk", "sk", "gsi1pk", "gsi1sk"].map(generic).to_vec());
        let domain = text("gsi2pk");
        let deleted = if text("status") == "deleted" {
            "#DELETED"
        } else {
            ""
        };
        if !domain.is_empty() {
            assert_eq!(domain, format!("TENANT#acme#DOMAIN#acme.example{deleted}"));
            assert_eq!(text("gsi2sk"), text("gsi1sk"));
        }
    }
    // Nobody but Ada has an email address, and a user without one is not in the index.
    found.retain(|keys| keys[1] != "USER" || !keys[2].is_empty());
    assert_eq!(found, said);
}

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
fn every_link_leads_somewhere() {
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
                    "{}: {target} has no such heading",
                    path.display()
                );
            }
        }
    }
    assert!(links > 20, "the links are found");
}

#[test]
fn every_path_that_is_named_is_there() {
    let tops = [
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
fn every_file_of_the_layout_is_there() {
    let parts = section(README, "How it is put together");
    let layout = &blocks(parts)[1];
    for line in layout.text.lines() {
        let named = line.split_whitespace().next().unwrap();
        let (known, _) = named.split_once('<').unwrap_or((named, ""));
        assert!(root().join(known).exists(), "{line}");
    }
}

/// The names of what clap makes options of: fields with `#[arg(long`.
fn options(source: &str) -> BTreeSet<String> {
    let mut options = BTreeSet::from(["--help".to_owned()]);
    for declared in source.split("#[arg(long").skip(1) {
        let (_, rest) = declared.split_once("]\n").unwrap();
        let (field, _) = rest.trim_start().split_once(':').unwrap();
        options.insert(format!("--{}", field.replace('_', "-")));
    }
    options
}

/// The names that clap gives to the variants of an enum.
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
fn every_command_that_is_named_exists() {
    let local = options(&read("local/src/main.rs"));
    let main = read("xtask/src/main.rs");
    let (xtask, chores) = (options(&main), variants(&main, "Chore"));
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

/// The first cells of the tables in a section, without backticks, and the rest of each row.
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

/// The names under a heading of the template: those indented by two blanks.
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
fn every_parameter_of_the_template_is_explained_with_its_default() {
    let template = read("template.yaml");
    let (_, rest) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = rest.split_once("\n\n").unwrap();
    let page = read("docs/PARAMETERS.md");
    let (page, outputs) = page.split_once("\n## Outputs\n").unwrap();
    let rows = rows(page);
    // Those of the login are explained where they are needed.
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
fn commands_name_parameters_and_outputs_that_there_are() {
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
                    assert!(parameters.contains(name), "{path}: {name} in {line}");
                }
                let placeholders = line
                    .split('<')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('>'));
                for (name, _) in placeholders {
                    // What begins with a capital is an output; the rest is the reader's own.
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
fn every_binary_is_an_entry_of_the_package_and_a_line_of_the_registry() {
    let manifest = read("functions/Cargo.toml");
    let registry = read("functions/src/registry.rs");
    for entry in fs::read_dir(root().join("functions/src/bin")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".rs").unwrap();
        let path = format!("path = \"src/bin/{file}\"");
        assert!(
            manifest.contains(&path),
            "functions/Cargo.toml has no {path}"
        );
        let entry = format!("(\"{name}\", ");
        assert!(
            registry.contains(&entry),
            "functions/src/registry.rs has no {name}"
        );
    }
}

#[test]
fn every_problem_has_its_entry_with_status_title_and_type() {
    let headings: Vec<_> = PROBLEMS
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let codes = Code::ALL.map(Code::as_str);
    assert_eq!(headings, codes, "each once, in the order of the code");
    for code in Code::ALL {
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

/// What it costs is measured, and not typed: the document has what the story measured last.
#[test]
fn the_data_model_tells_the_units_that_were_measured() {
    let measured = include_str!(
        "snapshots/stories__round_trips__every_operation_takes_as_many_calls_and_units_as_the_table_says.snap"
    );
    let (_, measured) = measured.rsplit_once("---\n").unwrap();
    let told = read("docs/DATA_MODEL.md");
    let block = format!("```text\n{}\n```", measured.trim_matches('\n'));
    assert!(
        told.contains(&block),
        "copy the snapshot of round_trips.rs into docs/DATA_MODEL.md"
    );
}
