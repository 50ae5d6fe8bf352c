//! Evaluates `CloudFormation` expressions on this machine.

use std::collections::BTreeMap;

use serde_json::Value;

/// The maximum depth of references between conditions, to detect cycles.
const DEEPEST: usize = 16;

/// The names for `!Ref`, `!Sub` and `!If`.
pub(super) struct Scope {
    values: BTreeMap<String, String>,
    conditions: BTreeMap<String, Value>,
}

impl Scope {
    /// Parameters with their defaults, and the template's conditions.
    pub(super) fn new(
        parameters: BTreeMap<String, String>,
        conditions: BTreeMap<String, Value>,
    ) -> Self {
        let mut values = parameters;
        for (name, value) in [
            ("AWS::AccountId", crate::aws::ACCOUNT),
            ("AWS::Partition", "aws"),
            ("AWS::Region", crate::aws::REGION),
            ("AWS::StackName", "muster"),
            ("AWS::URLSuffix", "amazonaws.com"),
        ] {
            values.insert(name.to_owned(), value.to_owned());
        }
        Self { values, conditions }
    }

    /// Sets the result of `!Ref` for a resource, or of `!GetAtt` for an attribute of it.
    pub(super) fn insert(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// The text of a value; `None` if it is only known in the cloud (`!ImportValue`, most of
    /// `!GetAtt`, a parameter without default). For an `!If`, that of the selected branch.
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Object(_) => match call(value)? {
                ("Ref" | "Fn::GetAtt", Value::String(name)) => self.values.get(name).cloned(),
                ("Fn::Sub", Value::String(text)) => self.substitute(text),
                ("Fn::If", _) => self.text(self.chosen(value)?),
                _ => None,
            },
            Value::Null | Value::Array(_) => None,
        }
    }

    /// The selected branch of an `!If`; any other value unchanged. `None` if the condition is only
    /// known in the cloud.
    pub(super) fn chosen<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let Some(("Fn::If", arguments)) = call(value) else {
            return Some(value);
        };
        let [Value::String(condition), yes, no] = arguments.as_array()?.as_slice() else {
            return None;
        };
        self.chosen(if self.holds(condition, 0)? { yes } else { no })
    }

    /// Whether a condition of the template holds; `None` if that is only known in the cloud.
    fn holds(&self, condition: &str, depth: usize) -> Option<bool> {
        (depth < DEEPEST).then_some(())?;
        self.is_true(self.conditions.get(condition)?, depth + 1)
    }

    fn is_true(&self, expression: &Value, depth: usize) -> Option<bool> {
        match call(expression)? {
            ("Condition", Value::String(name)) => self.holds(name, depth),
            ("Fn::Equals", Value::Array(sides)) => match sides.as_slice() {
                [one, other] => Some(self.text(one)? == self.text(other)?),
                _ => None,
            },
            ("Fn::Not", Value::Array(inner)) => match inner.as_slice() {
                [inner] => Some(!self.is_true(inner, depth)?),
                _ => None,
            },
            ("Fn::And", Value::Array(parts)) => Some(
                self.each_is_true(parts, depth)?
                    .into_iter()
                    .all(|part| part),
            ),
            ("Fn::Or", Value::Array(parts)) => Some(
                self.each_is_true(parts, depth)?
                    .into_iter()
                    .any(|part| part),
            ),
            _ => None,
        }
    }

    fn each_is_true(&self, parts: &[Value], depth: usize) -> Option<Vec<bool>> {
        parts.iter().map(|part| self.is_true(part, depth)).collect()
    }

    fn substitute(&self, text: &str) -> Option<String> {
        let mut parts = text.split("${");
        let mut out = parts.next()?.to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}')?;
            match name.strip_prefix('!') {
                Some(literal) => {
                    out.push_str("${");
                    out.push_str(literal);
                    out.push('}');
                }
                None => out.push_str(self.values.get(name)?),
            }
            out.push_str(rest);
        }
        Some(out)
    }
}

/// The function that an object calls, with its argument: `{"Ref": "X"}`.
fn call(value: &Value) -> Option<(&str, &Value)> {
    let mut entries = value.as_object()?.iter();
    match (entries.next(), entries.next()) {
        (Some((function, argument)), None) => Some((function, argument)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_expressions_are_resolved_others_are_none() {
        let parameters = BTreeMap::from([("Stage".into(), "dev".into())]);
        let mut scope = Scope::new(parameters, BTreeMap::new());
        scope.insert("Table", "muster");
        scope.insert("Table.Arn", "arn");
        for (value, text) in [
            (json!("x"), Some("x")),
            (json!(5), Some("5")),
            (json!({"Ref": "Stage"}), Some("dev")),
            (
                json!({"Fn::Sub": "${Table}-${Stage}-${!x}"}),
                Some("muster-dev-${x}"),
            ),
            (json!({"Fn::Sub": "${Missing}"}), None),
            (json!({"Ref": "Missing"}), None),
            (json!({"Fn::GetAtt": "Table.Arn"}), Some("arn")),
            (json!({"Fn::Sub": "${Table.Arn}/x"}), Some("arn/x")),
            (json!({"Fn::GetAtt": "Table.StreamArn"}), None),
            (json!({"Fn::If": ["C", "a", "b"]}), None),
        ] {
            assert_eq!(scope.text(&value).as_deref(), text, "{value}");
        }
    }
    #[test]
    fn a_choice_resolves_to_the_selected_branch() {
        let parameters = BTreeMap::from([
            ("Stage".into(), "dev".into()),
            ("Empty".into(), String::new()),
        ]);
        let is = |stage: &str| json!({"Fn::Equals": [{"Ref": "Stage"}, stage]});
        let conditions = BTreeMap::from([
            ("Dev".into(), is("dev")),
            ("NotDev".into(), json!({"Fn::Not": [{"Condition": "Dev"}]})),
            (
                "Both".into(),
                json!({"Fn::And": [is("dev"), {"Condition": "NotDev"}]}),
            ),
            ("Either".into(), json!({"Fn::Or": [is("prod"), is("dev")]})),
            (
                "Unknown".into(),
                json!({"Fn::Equals": [{"Ref": "Missing"}, ""]}),
            ),
            (
                "HalfKnown".into(),
                json!({"Fn::Or": [is("dev"), {"Condition": "Unknown"}]}),
            ),
            ("Circle".into(), json!({"Condition": "Circle"})),
        ]);
        let scope = Scope::new(parameters, conditions);
        for (condition, text) in [
            ("Dev", Some("yes")),
            ("NotDev", Some("no")),
            ("Both", Some("no")),
            ("Either", Some("yes")),
            ("Unknown", None),
            ("HalfKnown", None),
            ("Circle", None),
            ("Missing", None),
        ] {
            let choice = json!({"Fn::If": [condition, "yes", {"Fn::Sub": "no${Empty}"}]});
            assert_eq!(scope.text(&choice).as_deref(), text, "{condition}");
        }
    }
}
