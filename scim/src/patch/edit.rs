//! The change of one attribute by one operation.

use serde_json::{Map, Value};

use super::{Op, no_target};
use crate::error::invalid_value;
use crate::error::{Error, ScimType};
use crate::filter::{Filter, Literal, Operator, Test};
use crate::path::AttributePlace;
use crate::schema::{Attribute, Mutability};
use crate::value::{check_count, normal, settle_primary, single};

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(values) => values.is_empty(),
        value => value.is_null(),
    }
}

/// One change of one attribute.
pub(super) struct Edit<'a> {
    pub(super) op: Op,
    pub(super) attribute: Option<&'static Attribute>,
    pub(super) place: &'a AttributePlace,
    pub(super) filter: Option<&'a Filter>,
    pub(super) value: &'a Value,
}

impl Edit<'_> {
    pub(super) fn apply(&self, container: &mut Map<String, Value>) -> Result<(), Error> {
        let name = &self.place.name;
        let before = container.get(name).cloned().unwrap_or(Value::Null);
        let is_list = self.attribute.is_some_and(|attribute| attribute.multi)
            || self.filter.is_some()
            || before.is_array();
        let after = if is_list {
            let before = match before {
                Value::Array(values) => values,
                Value::Null => Vec::new(),
                one => vec![one],
            };
            let mut after = self.list(before.clone())?;
            settle_primary(&before, &mut after);
            Value::Array(after)
        } else {
            self.one(before)?
        };
        if is_empty(&after) {
            container.remove(name);
        } else {
            container.insert(name.clone(), after);
        }
        Ok(())
    }

    /// The attribute after the change, if it has a single value.
    fn one(&self, before: Value) -> Result<Value, Error> {
        if self.place.sub.is_some() {
            let mut object = match before {
                Value::Object(object) => object,
                Value::Null => Map::new(),
                _ => return Err(no_target("The attribute has no sub-attributes.")),
            };
            self.set_sub(&mut object)?;
            return Ok(Value::Object(object));
        }
        if self.op == Op::Remove {
            return Ok(Value::Null);
        }
        let value = normal(self.attribute, self.value)?;
        Ok(match (before, value) {
            // Sub-attributes that are not named stay.
            (Value::Object(mut before), Some(Value::Object(value))) => {
                before.extend(value);
                Value::Object(before)
            }
            (_, Some(value)) => value,
            (before, None) => before,
        })
    }

    /// The attribute after the change, if it has several values.
    fn list(&self, mut values: Vec<Value>) -> Result<Vec<Value>, Error> {
        if self.filter.is_none() && self.place.sub.is_none() {
            return self.whole_list(values);
        }
        let is_chosen = |value: &Value| {
            let filter = self.filter;
            filter.is_none_or(|filter| filter.matches_element(self.attribute, value))
        };
        if self.op == Op::Remove && self.place.sub.is_none() {
            values.retain(|value| !is_chosen(value));
            return Ok(values);
        }
        let mut is_found = false;
        for value in values.iter_mut().filter(|value| is_chosen(value)) {
            is_found = true;
            self.element(value)?;
        }
        if !is_found && self.op != Op::Remove {
            let mut created = Value::Object(self.described()?);
            self.element(&mut created)?;
            values.push(created);
        }
        // An element without its value says nothing.
        let is_value = self.place.sub.as_deref() == Some("value");
        values.retain(|value| {
            let is_void = self.op == Op::Remove && is_value && value.get("value").is_none();
            !is_void && !is_empty(value)
        });
        Ok(values)
    }

    fn whole_list(&self, mut values: Vec<Value>) -> Result<Vec<Value>, Error> {
        let given = match normal(self.attribute, self.value)? {
            Some(Value::Array(given)) => given,
            Some(one) => vec![one],
            None => Vec::new(),
        };
        match self.op {
            Op::Replace => return Ok(given),
            Op::Add => {
                for value in given {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                    if let Some(attribute) = self.attribute {
                        check_count(attribute, values.len())?;
                    }
                }
            }
            Op::Remove if self.value.is_null() => values.clear(),
            // The values to remove, as Entra names them.
            Op::Remove => values.retain(|value| {
                let is_same = |given: &Value| match (given.get("value"), value.get("value")) {
                    (Some(given), Some(value)) => given == value,
                    _ => given == value,
                };
                !given.iter().any(is_same)
            }),
        }
        Ok(values)
    }

    /// Changes one element of a list.
    fn element(&self, element: &mut Value) -> Result<(), Error> {
        if self.place.sub.is_some() {
            let object = element.as_object_mut();
            let object = object.ok_or_else(|| no_target("The value has no sub-attributes."))?;
            return self.set_sub(object);
        }
        let value = match self.attribute {
            Some(attribute) => {
                // An array of one is the value itself.
                let value = match self.value {
                    Value::Array(values) if values.len() == 1 => {
                        values.first().unwrap_or(self.value)
                    }
                    value => value,
                };
                single(attribute, value)?
            }
            None => Some(self.value.clone()),
        };
        match (element.as_object_mut(), value) {
            (Some(element), Some(Value::Object(value))) => {
                if self.op == Op::Replace {
                    *element = self.described().unwrap_or_default();
                }
                element.extend(value);
            }
            (_, Some(_)) => return Err(invalid_value("The value must be an object.")),
            (_, None) => {}
        }
        Ok(())
    }

    fn set_sub(&self, object: &mut Map<String, Value>) -> Result<(), Error> {
        let name = self.place.sub.as_deref().unwrap_or_default();
        let declared = self.attribute.and_then(|attribute| attribute.sub(name));
        if declared.is_some_and(|declared| declared.mutability != Mutability::ReadWrite) {
            return Err(Error::of(
                ScimType::Mutability,
                "The sub-attribute cannot be changed.",
            ));
        }
        let value = match self.op {
            Op::Remove => None,
            _ => normal(declared, self.value)?,
        };
        match value {
            Some(value) => object.insert(name.to_owned(), value),
            None => object.remove(name),
        };
        Ok(())
    }

    /// Returns the values that a filter requires of an element: `{"type": "work"}` for `type eq "work"`.
    fn described(&self) -> Result<Map<String, Value>, Error> {
        let parts = match self.filter {
            Some(Filter::And(parts)) => parts.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let mut described = Map::new();
        for part in parts {
            let Filter::Attribute(path, Test::Compare(Operator::Equal, literal)) = part else {
                return Err(no_target("No value matches the filter of the path."));
            };
            let value = match literal {
                Literal::String(text) => Value::from(text.as_str()),
                Literal::Boolean(value) => Value::from(*value),
                Literal::Number(text) => serde_json::from_str(text).unwrap_or_default(),
                Literal::Null => continue,
            };
            let sub = self
                .attribute
                .and_then(|attribute| attribute.sub(&path.name));
            let name = sub.map_or(path.name.as_str(), |sub| sub.name);
            let value = normal(sub, &value)?;
            described.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(described)
    }
}
