//! `attributes` and `excludedAttributes`.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::error::invalid_value;
use crate::filter::Parser;
use crate::path::AttributePlace;
use crate::schema::ScimResource;

/// Maximum number of names in `attributes` or `excludedAttributes`.
pub const MAX_PROJECTED: usize = 100;

/// Which attributes a response has. `id` and `schemas` are always there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    only: Option<Vec<crate::AttributePath>>,
    without: Vec<crate::AttributePath>,
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<crate::AttributePath>, Error> {
    let mut parsed = Vec::new();
    for (count, name) in names
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .enumerate()
    {
        if count >= MAX_PROJECTED {
            return Err(invalid_value(format!(
                "At most {MAX_PROJECTED} attributes can be named."
            )));
        }
        // `emails[type eq "work"]` asks for `emails`. Names that are malformed are no attributes.
        parsed.extend(Parser::new(name).path().ok().map(|(path, _, _)| path));
    }
    Ok(parsed)
}

fn is_in(
    paths: &[crate::AttributePath],
    kind: ScimResource,
    extension: Option<&str>,
    name: &str,
) -> bool {
    paths.iter().any(|path| {
        let (place, _) = path.place(kind);
        is_same(place.extension.as_deref(), extension)
            && (place.name.is_empty() || place.name.eq_ignore_ascii_case(name))
            && place.sub.is_none()
    })
}

fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

impl Projection {
    /// Reads the two query parameters: names with commas between them.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let split = |text: &'_ str| names(text.split(','));
        Ok(Self {
            only: attributes
                .map(split)
                .transpose()?
                .filter(|only| !only.is_empty()),
            without: excluded.map(split).transpose()?.unwrap_or_default(),
        })
    }

    /// Reads the two arrays of a search.
    pub(crate) fn from_json(
        attributes: Option<&Value>,
        excluded: Option<&Value>,
    ) -> Result<Self, Error> {
        let read = |value: Option<&Value>| match value {
            Some(Value::Array(values)) => names(values.iter().filter_map(Value::as_str)).map(Some),
            Some(Value::String(text)) => names(text.split(',')).map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            only: read(attributes)?.filter(|only| !only.is_empty()),
            without: read(excluded)?.unwrap_or_default(),
        })
    }

    /// Whether a response has an attribute of the core schema, such as `members` or `groups`. If not,
    /// the caller need not read it.
    pub fn wants(&self, kind: ScimResource, name: &str) -> bool {
        let asked = self.only.as_ref().is_none_or(|only| {
            only.iter().any(|path| {
                let (place, _) = path.place(kind);
                place.extension.is_none() && place.name.eq_ignore_ascii_case(name)
            })
        });
        asked && !is_in(&self.without, kind, None, name)
    }

    pub(crate) fn apply(
        &self,
        kind: ScimResource,
        resource: Map<String, Value>,
    ) -> Map<String, Value> {
        let places = |paths: &[crate::AttributePath]| -> Vec<AttributePlace> {
            paths.iter().map(|path| path.place(kind).0).collect()
        };
        let mut shown = match &self.only {
            None => resource,
            Some(only) => {
                let mut shown = Map::new();
                for place in places(only) {
                    copy(&resource, &place, &mut shown);
                }
                for always in ["id", "schemas"] {
                    let value = resource.get(always).cloned();
                    shown.extend(value.map(|value| (always.to_owned(), value)));
                }
                shown
            }
        };
        for place in places(&self.without) {
            if place.extension.is_some() || !["id", "schemas"].contains(&place.name.as_str()) {
                cut(&mut shown, &place);
            }
        }
        shown
    }
}

/// The key of an object as it is spelled there.
fn key(object: &Map<String, Value>, name: &str) -> Option<String> {
    let mut keys = object.keys();
    keys.find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

fn copy(from: &Map<String, Value>, place: &AttributePlace, to: &mut Map<String, Value>) {
    let mut steps = Vec::new();
    steps.extend(place.extension.as_deref());
    steps.extend(Some(place.name.as_str()).filter(|name| !name.is_empty()));
    steps.extend(place.sub.as_deref());
    copy_steps(from, &steps, to);
}

fn copy_steps(from: &Map<String, Value>, steps: &[&str], to: &mut Map<String, Value>) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    let Some((key, value)) = key(from, step).and_then(|key| from.get_key_value(&key)) else {
        return;
    };
    match value {
        _ if rest.is_empty() => {
            to.insert(key.clone(), value.clone());
        }
        Value::Object(object) => {
            let target = to
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(target) = target.as_object_mut() {
                copy_steps(object, rest, target);
            }
        }
        Value::Array(values) => {
            let empty = || vec![Value::Object(Map::new()); values.len()];
            let target = to
                .entry(key.clone())
                .or_insert_with(|| Value::Array(empty()));
            let targets = target.as_array_mut().into_iter().flatten();
            for (value, target) in values.iter().zip(targets) {
                if let (Value::Object(value), Value::Object(target)) = (value, target) {
                    copy_steps(value, rest, target);
                }
            }
        }
        _ => {}
    }
}

fn cut(from: &mut Map<String, Value>, place: &AttributePlace) {
    let mut steps = Vec::new();
    steps.extend(place.extension.as_deref());
    steps.extend(Some(place.name.as_str()).filter(|name| !name.is_empty()));
    steps.extend(place.sub.as_deref());
    cut_steps(from, &steps);
}

fn cut_steps(from: &mut Map<String, Value>, steps: &[&str]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    let Some(key) = key(from, step) else { return };
    if rest.is_empty() {
        from.remove(&key);
        return;
    }
    match from.get_mut(&key) {
        Some(Value::Object(object)) => cut_steps(object, rest),
        Some(Value::Array(values)) => {
            for value in values.iter_mut().filter_map(Value::as_object_mut) {
                cut_steps(value, rest);
            }
        }
        _ => {}
    }
}
