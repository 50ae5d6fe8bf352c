//! Whether a resource matches a filter.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::plan::member_id;
use super::{Filter, Literal, Operator, Test};
use crate::schema::{Attribute, ScimResource, Type};
use crate::text::fold;

/// The value of a key, in any case.
pub(crate) fn get<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.get(key).or_else(|| {
        let mut pairs = object.iter();
        pairs
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    })
}

impl Filter {
    /// Whether a resource matches. The resource has its attributes as [`crate::User::render`] writes them.
    pub fn matches(&self, kind: ScimResource, resource: &Map<String, Value>) -> bool {
        self.matches_group(kind, resource, &|_| None)
    }

    /// Whether a group matches whose members are not in the resource. `is_member` says whether the
    /// group has a member with this id, or `None` to look into the resource.
    pub fn matches_group(
        &self,
        kind: ScimResource,
        resource: &Map<String, Value>,
        is_member: &dyn Fn(&str) -> Option<bool>,
    ) -> bool {
        if let Some(known) = member_id(self, kind).and_then(is_member) {
            return known;
        }
        match self {
            Self::And(parts) => parts
                .iter()
                .all(|part| part.matches_group(kind, resource, is_member)),
            Self::Or(parts) => parts
                .iter()
                .any(|part| part.matches_group(kind, resource, is_member)),
            Self::Not(part) => !part.matches_group(kind, resource, is_member),
            Self::Attribute(path, test) => {
                let (place, attribute) = path.place(kind);
                let container = match &place.extension {
                    Some(urn) if place.name.is_empty() => {
                        return tested(get(resource, urn), None, None, test);
                    }
                    Some(urn) => get(resource, urn).and_then(Value::as_object),
                    None => Some(resource),
                };
                let value = container.and_then(|container| get(container, &place.name));
                tested(value, attribute, place.sub.as_deref(), test)
            }
            Self::Element(path, filter, then) => {
                let (place, attribute) = path.place(kind);
                let container = match &place.extension {
                    Some(urn) => get(resource, urn).and_then(Value::as_object),
                    None => Some(resource),
                };
                let value = container.and_then(|container| get(container, &place.name));
                elements(value).any(|element| {
                    filter.matches_element(attribute, element)
                        && then.as_ref().is_none_or(|(sub, test)| {
                            tested(Some(element), attribute, Some(sub), test)
                        })
                })
            }
        }
    }

    /// Whether an element of a multi-valued attribute matches a filter in brackets.
    pub(crate) fn matches_element(
        &self,
        attribute: Option<&'static Attribute>,
        element: &Value,
    ) -> bool {
        match self {
            Self::And(parts) => parts
                .iter()
                .all(|part| part.matches_element(attribute, element)),
            Self::Or(parts) => parts
                .iter()
                .any(|part| part.matches_element(attribute, element)),
            Self::Not(part) => !part.matches_element(attribute, element),
            Self::Attribute(path, test) => tested(Some(element), attribute, Some(&path.name), test),
            Self::Element(..) => false,
        }
    }
}

/// The elements of an array, or the only value.
fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (many, one) = match value {
        Some(Value::Array(many)) => (many.as_slice(), None),
        one => (&[][..], one),
    };
    many.iter().chain(one)
}

fn tested(
    value: Option<&Value>,
    attribute: Option<&'static Attribute>,
    sub: Option<&str>,
    test: &Test,
) -> bool {
    // `members eq "a"` asks for the value of a member.
    let compared = matches!(test, Test::Compare(..));
    let mut values = elements(value).filter_map(|value| match (value, sub) {
        (Value::Object(object), Some(sub)) => get(object, sub),
        (Value::Object(object), None) if compared => get(object, "value"),
        (_, Some("value") | None) => Some(value),
        (_, Some(_)) => None,
    });
    let declared = match (attribute, sub) {
        (Some(attribute), Some(sub)) => attribute.sub(sub),
        (Some(attribute), None) if attribute.kind == Type::Complex => attribute.sub("value"),
        (attribute, _) => attribute,
    };
    match test {
        Test::Compare(Operator::Equal, Literal::Null) => !values.any(is_present),
        Test::Present | Test::Compare(Operator::NotEqual, Literal::Null) => values.any(is_present),
        Test::Compare(Operator::NotEqual, literal) => {
            !values.any(|value| compares(value, declared, Operator::Equal, literal))
        }
        Test::Compare(operator, literal) => {
            values.any(|value| compares(value, declared, *operator, literal))
        }
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    }
}

fn compares(
    value: &Value,
    declared: Option<&Attribute>,
    operator: Operator,
    literal: &Literal,
) -> bool {
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(asked)) => {
            operator == Operator::Equal && value == asked
        }
        // Entra writes booleans as text.
        (Value::Bool(value), Literal::String(asked)) => {
            operator == Operator::Equal && asked.eq_ignore_ascii_case(&value.to_string())
        }
        (Value::Number(value), Literal::Number(asked)) => {
            let ordering = match (value.as_f64(), asked.parse::<f64>()) {
                (Some(value), Ok(asked)) => value.partial_cmp(&asked),
                _ => None,
            };
            ordering.is_some_and(|ordering| ordered(operator, ordering))
        }
        (Value::String(value), Literal::String(asked) | Literal::Number(asked)) => {
            texts(value, asked, declared, operator)
        }
        (Value::String(value), Literal::Boolean(asked)) => {
            operator == Operator::Equal && value.eq_ignore_ascii_case(&asked.to_string())
        }
        _ => false,
    }
}

fn texts(value: &str, asked: &str, declared: Option<&Attribute>, operator: Operator) -> bool {
    if declared.is_some_and(|declared| declared.kind == Type::DateTime)
        && let (Ok(value), Ok(asked)) = (value.parse::<Timestamp>(), asked.parse::<Timestamp>())
    {
        return ordered(operator, value.cmp(&asked));
    }
    let is_exact = declared.is_some_and(|declared| declared.case_exact);
    let (value, asked) = if is_exact {
        (value.to_owned(), asked.to_owned())
    } else {
        (fold(value), fold(asked))
    };
    match operator {
        Operator::Contains => value.contains(&asked),
        Operator::StartsWith => value.starts_with(&asked),
        Operator::EndsWith => value.ends_with(&asked),
        _ => ordered(operator, value.cmp(&asked)),
    }
}

fn ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}
