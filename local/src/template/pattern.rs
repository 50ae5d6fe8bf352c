//! Filters of event source mappings: the part of `EventBridge`'s patterns that the template uses.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// A pattern: every named field must have one of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Map<String, Value>);

impl Pattern {
    /// Reads the JSON text of a pattern. An operator that is not played is an error.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let pattern = serde_json::from_str(text).context("Pattern must be a JSON object")?;
        check(&pattern)?;
        Ok(Self(pattern))
    }

    /// Whether an event matches.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        all_match(&self.0, Some(event))
    }
}

fn check(pattern: &Map<String, Value>) -> Result<()> {
    for (name, rule) in pattern {
        match rule {
            Value::Object(inner) => check(inner)?,
            Value::Array(rules) if rules.iter().all(is_played) => {}
            _ => bail!("the pattern of {name} is not played by the local stack"),
        }
    }
    Ok(())
}

fn is_played(rule: &Value) -> bool {
    match rule {
        Value::Object(rule) => {
            rule.len() == 1
                && (rule.get("exists").is_some_and(Value::is_boolean)
                    || rule.get("prefix").is_some_and(Value::is_string))
        }
        Value::Array(_) => false,
        _ => true,
    }
}

fn all_match(pattern: &Map<String, Value>, event: Option<&Value>) -> bool {
    pattern.iter().all(|(name, rule)| {
        let value = event.and_then(|event| event.get(name));
        match rule {
            Value::Object(inner) => all_match(inner, value),
            Value::Array(rules) => rules.iter().any(|rule| one_matches(rule, value)),
            _ => false,
        }
    })
}

fn one_matches(rule: &Value, value: Option<&Value>) -> bool {
    if let Some(exists) = rule.get("exists").and_then(Value::as_bool) {
        return value.is_some() == exists;
    }
    if let Some(prefix) = rule.get("prefix").and_then(Value::as_str) {
        return value
            .and_then(Value::as_str)
            .is_some_and(|it| it.starts_with(prefix));
    }
    value == Some(rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_each_named_field() {
        let pattern = r#"{"a": ["x", "y"], "b": {"c": [{"exists": true}], "d": [{"exists": false}]}, "e": [{"prefix": "p"}]}"#;
        let pattern = Pattern::read(pattern).unwrap();
        let matching = json!({"a": "x", "b": {"c": null}, "e": "pq", "f": 1});
        assert!(pattern.matches(&matching));
        for (name, value) in [
            ("a", json!("z")),
            ("a", Value::Null),
            ("b", json!({})),
            ("b", json!({"c": 1, "d": 1})),
            ("e", json!("q")),
        ] {
            let mut other = matching.clone();
            other[name] = value;
            assert!(!pattern.matches(&other), "{other}");
        }
    }

    #[test]
    fn an_unknown_operator_of_a_pattern_is_an_error() {
        for text in ["[]", r#"{"a": "x"}"#, r#"{"a": [{"numeric": [">", 1]}]}"#] {
            assert!(Pattern::read(text).is_err(), "{text}");
        }
    }
}
