//! Parses YAML with `CloudFormation`'s short tags into the JSON of `CloudFormation`: `!Ref X` is
//! `{"Ref": "X"}`, `!Sub "…"` is `{"Fn::Sub": "…"}`.

use anyhow::{Context as _, Result, bail};
use saphyr::{LoadableYamlNode as _, ScalarOwned, Tag, YamlOwned};
use serde_json::{Map, Value};

/// Parses one YAML document.
pub(super) fn read(text: &str) -> Result<Value> {
    let documents = YamlOwned::load_from_str(text).context("is not YAML")?;
    match documents.as_slice() {
        [document] => json(document),
        _ => bail!("must be one YAML document, not {}", documents.len()),
    }
}

fn json(node: &YamlOwned) -> Result<Value> {
    Ok(match node {
        YamlOwned::Value(scalar) => scalar_json(scalar),
        YamlOwned::Sequence(items) => Value::Array(items.iter().map(json).collect::<Result<_>>()?),
        YamlOwned::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let Some(key) = key_text(key) else {
                    bail!("has a key that is not text");
                };
                object.insert(key, json(value)?);
            }
            Value::Object(object)
        }
        YamlOwned::Tagged(tag, value) => {
            Value::Object(Map::from_iter([(long_form(tag), json(value)?)]))
        }
        YamlOwned::Representation(text, ..) => Value::String(text.clone()),
        YamlOwned::Alias(_) | YamlOwned::BadValue => bail!("has a value that cannot be read"),
    })
}

fn scalar_json(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => Value::from(*value),
        ScalarOwned::Integer(value) => Value::from(*value),
        ScalarOwned::FloatingPoint(value) => Value::from(value.into_inner()),
        ScalarOwned::String(value) => Value::from(value.as_str()),
    }
}

fn key_text(key: &YamlOwned) -> Option<String> {
    match key {
        YamlOwned::Value(ScalarOwned::String(text)) => Some(text.clone()),
        YamlOwned::Value(ScalarOwned::Integer(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// The full name of the function: only `Ref` and `Condition` have no prefix.
fn long_form(tag: &Tag) -> String {
    match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_tags_become_the_functions_they_stand_for() {
        let text = "a: !Ref B\nc: !Sub '${B}-x'\nd: !GetAtt E.Arn\nf: !If [G, 1, !Ref H]\ni: !Sub\n  - x\n  - {y: z}\n";
        assert_eq!(
            read(text).unwrap(),
            json!({
                "a": {"Ref": "B"},
                "c": {"Fn::Sub": "${B}-x"},
                "d": {"Fn::GetAtt": "E.Arn"},
                "f": {"Fn::If": ["G", 1, {"Ref": "H"}]},
                "i": {"Fn::Sub": ["x", {"y": "z"}]},
            })
        );
    }

    #[test]
    fn text_that_is_not_yaml_is_refused() {
        assert!(read("a: [").is_err());
        assert!(read("a: 1\na: 2").is_err(), "the second would win unseen");
    }
}
