//! The writes of an operation, and the conditions under which they hold, in a form that is the same in every run.

use std::sync::LazyLock;

use muster::store::requests::{RequestedAction, TableRequest};
use regex::Regex;
use serde_json::Value;

/// Patterns of values that differ between runs, and what is shown instead.
static CHANGING: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "(time)"),
        (r"[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", "(id)"),
        (r"[\da-f]{32,}", "(digest)"),
        (r"[\w+/-]{43}=", "(digest)"),
        (r"\b\d{10}\b", "(time)"),
        (r"#!EVENTS#[\da-f]+", "#!EVENTS#(partition)"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
});

/// A line for each write of an operation, and one for each of its items: the key, and the condition on it.
pub(super) fn lines_of(operation: &str, calls: &[TableRequest]) -> Vec<String> {
    let mut lines = Vec::new();
    for call in calls {
        let mut actions = actions_of(call);
        // The order has no meaning.
        actions.sort();
        if !actions.is_empty() {
            lines.push(operation.to_owned());
            lines.extend(actions);
        }
    }
    lines
}

/// Requires that an item that gets another version gets the time of the change with it: not before `started`.
pub(super) fn require_times(operation: &str, calls: &[TableRequest], started: &str) {
    for action in calls.iter().flat_map(TableRequest::actions) {
        let (kind, input) = (action.kind, action.input);
        let values = &input["ExpressionAttributeValues"];
        let (version, time) = match kind {
            "Put" => (&input["Item"]["version"], &input["Item"]["updated_at"]),
            _ => (&values[":set_version"], &values[":set_updated_at"]),
        };
        // An item that must have the version already gets no new one.
        let condition = input["ConditionExpression"].as_str().unwrap_or_default();
        let required = condition
            .split_once("#version = ")
            .filter(|_| !condition.contains(" OR ") && !condition.contains("NOT "))
            .and_then(|(_, rest)| values.get(rest.split([')', ' ']).next()?));
        let is_same = required == Some(version);
        let is_added = !values[":add_version"].is_null();
        let is_dated = time["S"].as_str().is_some_and(|time| time >= started);
        assert!(
            is_dated || !is_added && (version.is_null() || is_same),
            "{operation}: {input}"
        );
    }
}

fn actions_of(call: &TableRequest) -> Vec<String> {
    call.actions().iter().map(line_of).collect()
}

fn line_of(action: &RequestedAction<'_>) -> String {
    let [pk, sk] = ["pk", "sk"].map(|name| plain(&action.item()[name]));
    let RequestedAction { kind, input } = action;
    match input["ConditionExpression"].as_str() {
        Some(condition) => format!("        {kind} {pk} {sk} if {}", filled(condition, input)),
        None => format!("        {kind} {pk} {sk}"),
    }
}

/// A condition with the names and values that its placeholders stand for.
fn filled(condition: &str, input: &Value) -> String {
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[#:]\w+").unwrap());
    let filled = PLACEHOLDER.replace_all(condition, |found: &regex::Captures<'_>| {
        let name = &input["ExpressionAttributeNames"][&found[0]];
        let value = &input["ExpressionAttributeValues"][&found[0]];
        name.as_str().map_or_else(|| plain(value), str::to_owned)
    });
    filled.into_owned()
}

/// A value that is the same in every run.
fn plain(value: &Value) -> String {
    let text = value["S"].as_str().or(value["N"].as_str());
    let text = text.map_or_else(|| value.to_string(), str::to_owned);
    CHANGING.iter().fold(text, |text, (changing, name)| {
        changing.replace_all(&text, *name).into_owned()
    })
}
