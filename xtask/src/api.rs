//! Compares today's `OpenAPI` document with that of the last release. The changelog must name each
//! change that breaks clients.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::command::{output, program};
use crate::tools;

/// The document of the last release. At a release, it becomes a copy of [`DOCUMENT`].
const LAST_RELEASE: &str = "docs/openapi-last-release.json";
const DOCUMENT: &str = "docs/openapi.json";
const CHANGELOG: &str = "CHANGELOG.md";
/// Compares two documents with the given library.
const PROGRAM: &str = "xtask/api.mjs";
/// Marks an entry of the changelog about a breaking change.
const MARK: &str = "**Breaking";

/// Members of responses to which values are added in any release: codes of errors, and types of events, actors and
/// targets. Clients must accept those that they do not know.
const OPEN: [&str; 2] = ["code", "type"];

/// A change of the document, as the tool classifies it.
#[derive(Debug, Deserialize)]
struct ApiChange {
    r#type: String,
    action: String,
    /// Where it is, with references resolved: `paths`, the route, the method and so on.
    path: Vec<String>,
    /// The member that became required or optional.
    required: Option<String>,
    /// The name of the parameter.
    parameter: Option<String>,
}

/// Fails if the document breaks clients and the changelog does not say so.
pub(crate) fn check(root: &Path) -> Result<()> {
    let changelog = fs::read_to_string(root.join(CHANGELOG)).context(CHANGELOG)?;
    compare(
        root,
        Path::new(LAST_RELEASE),
        Path::new(DOCUMENT),
        &changelog,
    )
}

fn compare(root: &Path, before: &Path, after: &Path, changelog: &str) -> Result<()> {
    let mut command = program(&tools::node(root)?, root);
    command.arg(PROGRAM).arg(tools::api_smart_diff(root)?);
    let printed = output(command.arg(before).arg(after))?;
    let changes: Vec<ApiChange> = serde_json::from_str(&printed)?;
    let entries = entries(changelog);
    let mut unnamed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let breaking = changes.iter().filter(|change| change.breaks());
    for change in breaking.clone() {
        let (subject, operation) = (change.subject(), change.operation());
        let names = |name: &str| entries.iter().any(|it| it.contains(&format!("`{name}`")));
        if !names(&operation) && !subject.is_some_and(names) {
            let of_subject = unnamed.entry(subject.unwrap_or_default()).or_default();
            of_subject.push(change.line());
        }
    }
    if unnamed.is_empty() {
        let count = breaking.count();
        eprintln!(
            "{} changes, {count} of them break clients, all named in {CHANGELOG}",
            changes.len()
        );
        return Ok(());
    }
    let mut report = String::new();
    for (subject, lines) in unnamed {
        let what = if subject.is_empty() {
            "its route"
        } else {
            subject
        };
        let _ = writeln!(report, "give `{what}` an entry with {MARK}:**");
        for line in lines {
            let _ = writeln!(report, "  {line}");
        }
    }
    bail!(
        "{} breaks clients of the last release:\n{report}",
        after.display()
    )
}

impl ApiChange {
    /// Follows the tool, except for the rules of this API: docs/API-DESIGN.md.
    fn breaks(&self) -> bool {
        let in_request = self.path.iter().any(|part| part == "requestBody");
        let is_property = self
            .path
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|part| part == "properties");
        // A request with a member that the body may not have is refused.
        let refuses = self.action == "remove" && in_request && is_property;
        let retypes =
            self.action == "replace" && self.path.last().is_some_and(|last| last == "type");
        let widens = self.widens_response();
        let is_announced = widens && self.subject().is_some_and(|it| OPEN.contains(&it));
        !is_announced && (self.r#type == "breaking" || refuses || retypes || widens)
    }

    /// Whether a response can have a value that it could not have before.
    fn widens_response(&self) -> bool {
        let in_response = self.path.iter().any(|part| part == "responses");
        let is_value = self.path.iter().rev().nth(1).is_some_and(|it| it == "enum");
        self.action == "add" && in_response && is_value
    }

    /// The member or the parameter that changed.
    fn subject(&self) -> Option<&str> {
        let at = self.path.iter().rposition(|part| part == "properties");
        let member = at.and_then(|at| self.path.get(at + 1)).map(String::as_str);
        let required = self.required.as_deref();
        required.or(member).or(self.parameter.as_deref())
    }

    /// `GET /users/{user_id}`.
    fn operation(&self) -> String {
        let part = |index: usize| self.path.get(index).map_or("", String::as_str);
        format!("{} {}", part(2).to_uppercase(), part(1))
    }

    fn line(&self) -> String {
        let place = self.path.get(3..).unwrap_or_default();
        format!("{}: {} {}", self.operation(), self.action, place.join(" "))
    }
}

/// The entries of the next release that are about breaking changes.
fn entries(changelog: &str) -> Vec<String> {
    let (_, unreleased) = changelog
        .split_once("\n## [Unreleased]")
        .unwrap_or_default();
    let (unreleased, _) = unreleased.split_once("\n## [").unwrap_or((unreleased, ""));
    let entries = unreleased.split("\n- ").skip(1);
    let entries = entries.map(|entry| entry.split("\n#").next().unwrap_or_default());
    entries
        .filter(|it| it.contains(MARK))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::env::temp_dir;

    use serde_json::{Value, json};

    use super::*;

    /// Compares today's document with a changed copy.
    fn changed(name: &str, change: impl Fn(&mut Value), changelog: &str) -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut document: Value =
            serde_json::from_slice(&fs::read(root.join(DOCUMENT)).unwrap()).unwrap();
        change(&mut document);
        let file = temp_dir().join(format!("muster-{}-{name}.json", std::process::id()));
        fs::write(&file, document.to_string()).unwrap();
        let result = compare(root, Path::new(DOCUMENT), &file, changelog);
        fs::remove_file(file).unwrap();
        result
    }

    fn remove_member(document: &mut Value, schema: &str, name: &str) {
        let schema = &mut document["components"]["schemas"][schema];
        schema["properties"]
            .as_object_mut()
            .unwrap()
            .remove(name)
            .unwrap();
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|it| it != name);
        }
    }

    /// Whether the check fails without an entry, names this change, and passes with an entry.
    fn must_be_named(name: &str, change: impl Fn(&mut Value)) {
        let file = name.replace(['/', ' ', '{', '}'], "-");
        let error = changed(&file, &change, "").unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        let entry =
            |mark| format!("\n## [Unreleased]\n\n- {mark} About\n  `{name}`.\n\n### Fixed\n");
        changed(&file, &change, &entry("Added.")).unwrap_err();
        changed(&file, &change, &entry("**Breaking:**")).unwrap();
        let old = entry("**Breaking:**").replace("Unreleased", "0.1.0");
        changed(&file, &change, &old).unwrap_err();
    }

    #[test]
    fn a_removed_field_must_be_in_the_changelog() {
        must_be_named("domain", |document| {
            remove_member(document, "Organization", "domain");
        });
        must_be_named("billing_email", |document| {
            remove_member(document, "NewOrganization", "billing_email");
        });
    }

    #[test]
    fn a_removed_operation_must_be_in_the_changelog() {
        must_be_named("DELETE /teams/{team_id}", |document| {
            let path = &mut document["paths"]["/teams/{team_id}"];
            path.as_object_mut().unwrap().remove("delete").unwrap();
        });
    }

    #[test]
    fn a_stricter_request_must_be_in_the_changelog() {
        must_be_named("shade", |document| {
            let parameters = &mut document["paths"]["/organizations"]["get"]["parameters"];
            let shade = json!({"name": "shade", "in": "query", "required": true, "schema": {"type": "string"}});
            parameters.as_array_mut().unwrap().push(shade);
        });
        must_be_named("version", |document| {
            document["components"]["schemas"]["Organization"]["properties"]["version"] =
                json!({"type": "string"});
        });
    }

    #[test]
    fn a_value_in_a_response_must_be_in_the_changelog() {
        must_be_named("status", |document| {
            let values = &mut document["components"]["schemas"]["UserStatus"]["enum"];
            values.as_array_mut().unwrap().push(json!("away"));
        });
    }

    #[test]
    fn an_addition_needs_no_entry() {
        let add = |document: &mut Value| {
            for open in ["Code", "EventType"] {
                let values = &mut document["components"]["schemas"][open]["enum"];
                values.as_array_mut().unwrap().push(json!("thing.happened"));
            }
            let schemas = &mut document["components"]["schemas"];
            schemas["Organization"]["properties"]["shade"] = json!({"type": "string"});
            schemas["NewOrganization"]["properties"]["shade"] = json!({"type": "string"});
        };
        changed("added", add, "").unwrap();
    }
}
