//! Values in the form that their attributes declare.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::error::invalid_value;
use crate::schema::{Attribute, Mutability, Type};

/// Maximum number of values of an attribute, except the members of a group.
const MAX_VALUES: usize = 1_000;

/// A value in the form of its attribute: booleans that came as text are booleans, names have the case
/// of the declaration, nulls and read-only sub-attributes are left out. `None` if nothing remains.
pub(crate) fn normal(attribute: Option<&Attribute>, value: &Value) -> Result<Option<Value>, Error> {
    let Some(attribute) = attribute else {
        return Ok((!value.is_null()).then(|| value.clone()));
    };
    if !attribute.multi {
        // Entra sends the manager as an array of one.
        let value = match value {
            Value::Array(values) if values.len() <= 1 => values.first().unwrap_or(&Value::Null),
            value => value,
        };
        return single(attribute, value);
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    check_count(attribute, values.len())?;
    let mut normal = Vec::with_capacity(values.len());
    for value in values {
        normal.extend(single(attribute, value)?);
    }
    settle_primary(&[], &mut normal);
    Ok((!normal.is_empty()).then_some(Value::Array(normal)))
}

/// Fails if an attribute would have too many values. Members of groups have a limit of their own.
pub(crate) fn check_count(attribute: &Attribute, count: usize) -> Result<(), Error> {
    if count <= MAX_VALUES || attribute.name == "members" {
        return Ok(());
    }
    Err(invalid_value(format!(
        "{} has at most {MAX_VALUES} values.",
        attribute.name
    )))
}

/// One value, or one element of an array.
pub(crate) fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let wrong = |expected: &str| invalid_value(format!("{} must be {expected}.", attribute.name));
    let value = match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Type::Boolean, Value::Bool(value)) => Value::Bool(*value),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => true.into(),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => false.into(),
        (Type::Boolean, _) => return Err(wrong("a boolean")),
        (Type::Complex, Value::Object(object)) => return complex(attribute, object),
        (Type::Complex, Value::String(text)) if attribute.sub("value").is_some() => {
            let object = Map::from_iter([("value".to_owned(), text.as_str().into())]);
            return complex(attribute, &object);
        }
        (Type::Complex, _) => return Err(wrong("an object")),
        (_, Value::String(text)) => text.as_str().into(),
        // Employee numbers come as numbers.
        (_, Value::Number(number)) => number.to_string().into(),
        _ => return Err(wrong("a string")),
    };
    Ok(Some(value))
}

fn complex(attribute: &Attribute, object: &Map<String, Value>) -> Result<Option<Value>, Error> {
    let mut normal = Map::new();
    for (key, value) in object {
        match attribute.sub(key) {
            Some(sub) if sub.mutability == Mutability::ReadOnly => {}
            Some(sub) => {
                let value = single(sub, value)?;
                normal.extend(value.map(|value| (sub.name.to_owned(), value)));
            }
            None if value.is_null() => {}
            None => {
                normal.insert(key.clone(), value.clone());
            }
        }
    }
    if attribute.name == "roles" {
        unpack_role(&mut normal);
    }
    Ok((!normal.is_empty()).then_some(Value::Object(normal)))
}

/// Entra sends an app role as a JSON document in the text `value`.
fn unpack_role(role: &mut Map<String, Value>) {
    let document = role.get("value").and_then(Value::as_str);
    let document = document.filter(|text| text.starts_with('{'));
    let document = document.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let Some(document) = document else { return };
    let Some(value @ Value::String(_)) = document.get("value") else {
        return;
    };
    role.insert("value".to_owned(), value.clone());
    if let Some(display @ Value::String(_)) = document.get("displayName") {
        role.insert("display".to_owned(), display.clone());
    }
}

pub(crate) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// Leaves at most one primary value: the last that was not primary before.
pub(crate) fn settle_primary(before: &[Value], values: &mut [Value]) {
    let primary = |(at, value): (usize, &Value)| is_primary(value).then_some(at);
    let all: Vec<_> = values.iter().enumerate().filter_map(primary).collect();
    if all.len() < 2 {
        return;
    }
    let is_new = |at: &&usize| {
        values
            .get(**at)
            .is_some_and(|value| !before.contains(value))
    };
    let kept = all.iter().rfind(is_new).or(all.last()).copied();
    for (at, value) in values.iter_mut().enumerate() {
        if Some(at) != kept
            && is_primary(value)
            && let Some(value) = value.as_object_mut()
        {
            value.insert("primary".to_owned(), false.into());
        }
    }
}
