//! Names of attributes, with their schema and sub-attribute.

use std::fmt;

use crate::schema::{Attribute, COMMON, ENTERPRISE_USER, GROUP, ScimResource, USER, find};

/// A name of an attribute as a client writes it: `userName`, `name.givenName`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN before the name.
    pub schema: Option<String>,
    /// The name. Empty if the path is the URN of an extension as a whole.
    pub name: String,
    /// The sub-attribute.
    pub sub: Option<String>,
}

/// Where an attribute lies in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttributePlace {
    /// The key of the extension, if it is in one.
    pub(crate) extension: Option<String>,
    /// The name as responses spell it. Empty for an extension as a whole.
    pub(crate) name: String,
    /// The sub-attribute as responses spell it.
    pub(crate) sub: Option<String>,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$' || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '-'))
}

/// Whether the text is the URN of a schema.
pub(crate) fn is_urn(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-' | '_'))
        && !text.ends_with([':', '.'])
}

impl AttributePath {
    /// Parses a name. Returns `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let (schema, rest) = if is_urn(text) {
            let known = [&USER, &GROUP, &ENTERPRISE_USER].into_iter();
            let whole = known
                .map(|schema| schema.id)
                .any(|id| id.eq_ignore_ascii_case(text));
            if whole {
                return Some(Self {
                    schema: Some(text.to_owned()),
                    name: String::new(),
                    sub: None,
                });
            }
            // The last colon, because the version in a URN has a dot.
            let (urn, rest) = text.rsplit_once(':')?;
            (Some(urn), rest)
        } else {
            (None, text)
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let valid = is_name(name)
            && sub.is_none_or(is_name)
            && schema.is_none_or(|urn| urn.len() > 4 && is_urn(urn));
        valid.then(|| Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// Where the attribute lies in a resource, and its declaration, if there is one.
    pub(crate) fn place(&self, kind: ScimResource) -> (AttributePlace, Option<&'static Attribute>) {
        let core = kind.schema();
        let is = |id: &str| {
            self.schema
                .as_ref()
                .is_some_and(|urn| urn.eq_ignore_ascii_case(id))
        };
        let in_core = find(core.attributes, &self.name).or_else(|| find(COMMON, &self.name));
        let known = kind.extension();
        // Clients may leave out the URN of the extension.
        let of_extension = |extension: &'static crate::Schema| {
            is(extension.id)
                || (self.schema.is_none()
                    && in_core.is_none()
                    && find(extension.attributes, &self.name).is_some())
        };
        let (extension, attribute) = match known {
            Some(extension) if of_extension(extension) => (
                Some(extension.id.to_owned()),
                find(extension.attributes, &self.name),
            ),
            _ if self.schema.is_none() || is(core.id) => (None, in_core),
            _ => (self.schema.clone(), None),
        };
        let name = attribute.map_or(self.name.as_str(), |attribute| attribute.name);
        let sub = self.sub.as_deref().map(|sub| {
            let known = attribute.and_then(|attribute| attribute.sub(sub));
            known.map_or(sub, |known| known.name).to_owned()
        });
        let place = AttributePlace {
            extension,
            name: name.to_owned(),
            sub,
        };
        (place, attribute)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            f.write_str(schema)?;
            if self.name.is_empty() {
                return Ok(());
            }
            f.write_str(":")?;
        }
        f.write_str(&self.name)?;
        self.sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}
