//! Filters: their syntax tree, its text, and what an index can answer.

mod evaluate;
mod parse;
mod plan;

use std::fmt;

use strum::{Display, EnumString};

use crate::error::{Error, ScimType};
use crate::path::AttributePath;
use crate::schema::{ScimResource, Type};

pub(crate) use evaluate::get;
pub(crate) use parse::Parser;
pub use plan::{Alternative, Indexed, Lookup, MAX_ALTERNATIVES, MembersAsked, Plan};

/// Maximum length of a filter, in bytes.
pub const MAX_FILTER_LENGTH: usize = 4_096;
/// Maximum depth of parentheses and brackets.
pub const MAX_FILTER_DEPTH: usize = 16;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
#[strum(ascii_case_insensitive)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Operator {
    #[strum(serialize = "eq")]
    Equal,
    #[strum(serialize = "ne")]
    NotEqual,
    #[strum(serialize = "co")]
    Contains,
    #[strum(serialize = "sw")]
    StartsWith,
    #[strum(serialize = "ew")]
    EndsWith,
    #[strum(serialize = "gt")]
    Greater,
    #[strum(serialize = "ge")]
    GreaterOrEqual,
    #[strum(serialize = "lt")]
    Less,
    #[strum(serialize = "le")]
    LessOrEqual,
}

impl Operator {
    fn is_order(self) -> bool {
        matches!(
            self,
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual
        )
    }
}

/// The value of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Text.
    String(String),
    /// A JSON number, as it was written.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`: the attribute has no value.
    Null,
}

/// A condition on an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `pr`
    Present,
    /// A comparison.
    Compare(Operator, Literal),
}

/// A filter of RFC 7644.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `userName eq "a"`
    Attribute(AttributePath, Test),
    /// `emails[type eq "work"]`, or `emails[type eq "work"].value eq "a"` as Entra sends it.
    Element(AttributePath, Box<Filter>, Option<(String, Test)>),
    /// All of at least two.
    And(Vec<Filter>),
    /// One of at least two.
    Or(Vec<Filter>),
    /// `not (…)`
    Not(Box<Filter>),
}

impl Filter {
    /// Parses a filter of at most [`MAX_FILTER_LENGTH`] bytes. Returns `invalidFilter`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |detail| Error::of(ScimType::InvalidFilter, detail);
        if text.len() > MAX_FILTER_LENGTH {
            return Err(invalid("The filter is too long."));
        }
        Parser::new(text).whole().map_err(invalid)
    }

    /// Returns `invalidFilter` if booleans are put in order, which has no meaning, or the groups of users are asked for,
    /// which are not part of them.
    pub fn check(&self, kind: ScimResource) -> Result<(), Error> {
        match self {
            Self::Attribute(path, _) | Self::Element(path, ..) if is_groups(path, kind) => {
                Err(Error::of(
                    ScimType::InvalidFilter,
                    "The groups of users cannot be compared. Filter Groups by members.",
                ))
            }
            Self::Attribute(path, test) => {
                let (place, attribute) = path.place(kind);
                let declared = match place.sub {
                    Some(sub) => attribute.and_then(|attribute| attribute.sub(&sub)),
                    None => attribute,
                };
                let ordered = matches!(test, Test::Compare(operator, _) if operator.is_order());
                if ordered && declared.is_some_and(|declared| declared.kind == Type::Boolean) {
                    return Err(Error::of(
                        ScimType::InvalidFilter,
                        "A boolean attribute has no order.",
                    ));
                }
                Ok(())
            }
            // The names within brackets are relative to the attribute.
            Self::Element(..) => Ok(()),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check(kind))
            }
            Self::Not(part) => part.check(kind),
        }
    }
}

fn is_groups(path: &AttributePath, kind: ScimResource) -> bool {
    let (place, _) = path.place(kind);
    place.extension.is_none() && place.name.eq_ignore_ascii_case("groups")
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(text) => f.write_str(text),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("pr"),
            Self::Compare(operator, literal) => write!(f, "{operator} {literal}"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            write!(f, " {word} ")?;
        }
        if matches!(part, Filter::And(_) | Filter::Or(_)) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path, test) => write!(f, "{path} {test}"),
            Self::Element(path, filter, then) => {
                write!(f, "{path}[{filter}]")?;
                then.as_ref()
                    .map_or(Ok(()), |(sub, test)| write!(f, ".{sub} {test}"))
            }
            Self::And(parts) => join(f, parts, "and"),
            Self::Or(parts) => join(f, parts, "or"),
            Self::Not(part) => write!(f, "not ({part})"),
        }
    }
}
