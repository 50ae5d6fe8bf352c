//! What a `CloudFormation` expression comes to on this machine.

use std::collections::BTreeMap;

use serde_json::Value;

/// What `!Ref` and `!Sub` can name here.
pub(super) struct Scope {
    values: BTreeMap<String, String>,
}

impl Scope {
    /// Parameters with their defaults, and the table by its resource's name.
    pub(super) fn new(parameters: BTreeMap<String, String>) -> Self {
        let mut values = parameters;
        for (name, value) in [
            ("AWS::AccountId", crate::lambda::ACCOUNT),
            ("AWS::Partition", "aws"),
            ("AWS::Region", crate::lambda::REGION),
            ("AWS::StackName", "muster"),
            ("AWS::URLSuffix", "amazonaws.com"),
        ] {
            values.insert(name.to_owned(), value.to_owned());
        }
        Self { values }
    }

    /// Makes a resource known by what `!Ref` answers for it.
    pub(super) fn insert(&mut self, resource: &str, value: &str) {
        self.values.insert(resource.to_owned(), value.to_owned());
    }

    /// The text that a value comes to; nothing when that is only known in the cloud
    /// (`!GetAtt`, `!ImportValue`, a parameter without default).
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Object(object) => {
                let mut entries = object.iter();
                match (entries.next(), entries.next()) {
                    (Some((function, Value::String(argument))), None) => match function.as_str() {
                        "Ref" => self.values.get(argument).cloned(),
                        "Fn::Sub" => self.substitute(argument),
                        _ => None,
                    },
                    _ => None,
                }
            }
            Value::Null | Value::Array(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_here_is_resolved_and_the_rest_is_nothing() {
        let mut scope = Scope::new(BTreeMap::from([("Stage".into(), "dev".into())]));
        scope.insert("Table", "muster");
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
            (json!({"Fn::GetAtt": "Table.Arn"}), None),
            (json!({"Fn::If": ["C", "a", "b"]}), None),
        ] {
            assert_eq!(scope.text(&value).as_deref(), text, "{value}");
        }
    }
}
