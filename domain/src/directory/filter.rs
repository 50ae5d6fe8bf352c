//! Which groups of a directory count.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{Invalid, Json};

/// Maximum length of a prefix or a pattern, in characters.
pub const MAX_GROUP_FILTER_LENGTH: usize = 200;
/// Maximum size of a compiled pattern, in bytes. A pattern such as `(.{1000}){1000}` does not compile.
const MAX_COMPILED_BYTES: usize = 256 * 1024;
/// Maximum nesting of a pattern.
const MAX_NESTING: u32 = 20;

/// A rule for the display names of groups. A pattern is matched in linear time of the name, and is bounded in size.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct GroupFilter {
    text: Text,
    /// The compiled pattern; `None` for a prefix.
    pattern: Option<Regex>,
}

/// The filter in responses and the table: one of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
}

impl GroupFilter {
    /// Reads a filter: `{"prefix": "…"}` or `{"pattern": "…"}`.
    pub fn from_json(value: &Json) -> Result<Self, Invalid> {
        let Json::Object(object) = value else {
            return Err(refused());
        };
        let mut text = Text::default();
        for (name, value) in object {
            let Json::String(value) = value else {
                return Err(refused());
            };
            match name.as_str() {
                "prefix" => text.prefix = Some(value.clone()),
                "pattern" => text.pattern = Some(value.clone()),
                _ => return Err(refused()),
            }
        }
        text.try_into()
    }

    /// Returns whether a group of this name counts.
    pub fn matches(&self, name: &str) -> bool {
        let prefix = self.text.prefix.as_ref();
        let pattern = self.pattern.as_ref();
        prefix.is_none_or(|prefix| name.starts_with(prefix))
            && pattern.is_none_or(|pattern| pattern.is_match(name))
    }
}

impl PartialEq for GroupFilter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<Text> for GroupFilter {
    type Error = Invalid;

    fn try_from(text: Text) -> Result<Self, Invalid> {
        let ((Some(chars), None) | (None, Some(chars))) = (&text.prefix, &text.pattern) else {
            return Err(refused());
        };
        if !(1..=MAX_GROUP_FILTER_LENGTH).contains(&chars.chars().count()) {
            return Err(refused());
        }
        let pattern = text.pattern.as_deref().map(compiled).transpose()?;
        Ok(Self { text, pattern })
    }
}

impl From<GroupFilter> for Text {
    fn from(filter: GroupFilter) -> Self {
        filter.text
    }
}

fn refused() -> Invalid {
    Invalid::new("must be an object with either prefix or pattern, a string of 1 to 200 characters")
}

fn compiled(pattern: &str) -> Result<Regex, Invalid> {
    let built = RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .nest_limit(MAX_NESTING)
        .build();
    built.map_err(|error| {
        Invalid::new(match error {
            regex::Error::CompiledTooBig(_) => {
                "has a pattern that is too large: use fewer or smaller repetitions"
            }
            _ => "must have a pattern in the syntax of RE2, without look-around and backreferences",
        })
    })
}

impl JsonSchema for GroupFilter {
    fn schema_name() -> Cow<'static, str> {
        "GroupFilter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| {
            serde_json::json!({
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_GROUP_FILTER_LENGTH,
                "description": description,
            })
        };
        json_schema!({
            "type": "object",
            "description": "Which groups count, by their display name. Case-sensitive.",
            "properties": {
                "prefix": text("Prefix of the name."),
                "pattern": text("A regular expression in the syntax of RE2 that matches anywhere in the name, unless it is anchored with `^` and `$`."),
            },
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        })
    }
}
