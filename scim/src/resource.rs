//! Users and groups: their bodies as clients send them, and as responses show them.

use serde_json::{Map, Value, json};

use crate::error::invalid_value;
use crate::error::{Error, ScimType};
use crate::members::Members;
use crate::path::{AttributePath, is_urn};
use crate::projection::Projection;
use crate::schema::{Attribute, Mutability, ScimResource};
use crate::text::fold;
use crate::value::{is_primary, normal};

/// Where and when a resource was created and changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The URL of the resource.
    pub location: String,
    /// When it was created, in RFC 3339.
    pub created: String,
    /// When it was changed last, in RFC 3339.
    pub last_modified: String,
    /// Its version, which each change raises.
    pub version: u64,
}

impl Meta {
    /// The weak entity tag of a version: `W/"7"`.
    pub fn etag(version: u64) -> String {
        format!("W/\"{version}\"")
    }

    fn to_json(&self, kind: ScimResource) -> Value {
        json!({
            "resourceType": kind.as_str(),
            "location": self.location,
            "created": self.created,
            "lastModified": self.last_modified,
            "version": Self::etag(self.version),
        })
    }
}

/// Whether the server ignores what a client sends for this attribute.
pub(crate) fn is_ignored(name: &str, attribute: Option<&Attribute>) -> bool {
    name.eq_ignore_ascii_case("password")
        || attribute.is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
}

/// The attributes of a body. Extensions are objects below their URN.
fn attributes(kind: ScimResource, body: &Value) -> Result<Map<String, Value>, Error> {
    let Value::Object(body) = body else {
        return Err(Error::of(
            ScimType::InvalidSyntax,
            "The body must be an object.",
        ));
    };
    let mut attributes = Map::new();
    for (key, value) in body {
        set(kind, &mut attributes, key, value)?;
    }
    Ok(attributes)
}

/// Sets an attribute, or all attributes of a schema that is the key.
fn set(
    kind: ScimResource,
    attributes: &mut Map<String, Value>,
    key: &str,
    value: &Value,
) -> Result<(), Error> {
    let is_core = key.eq_ignore_ascii_case(kind.schema().id);
    if let Some(object) = schema_object(kind, key, value) {
        for (name, value) in object {
            if is_core {
                put(kind, attributes, name, value)?;
            } else {
                put(kind, attributes, &format!("{key}:{name}"), value)?;
            }
        }
        return Ok(());
    }
    put(kind, attributes, key, value)
}

/// The attributes below the URN of a schema, known or not.
pub(crate) fn schema_object<'a>(
    kind: ScimResource,
    key: &str,
    value: &'a Value,
) -> Option<&'a Map<String, Value>> {
    let is_attribute = || {
        let path = AttributePath::parse(key);
        path.is_some_and(|path| path.place(kind).1.is_some())
    };
    value.as_object().filter(|_| is_urn(key) && !is_attribute())
}

fn put(
    kind: ScimResource,
    attributes: &mut Map<String, Value>,
    key: &str,
    value: &Value,
) -> Result<(), Error> {
    let Some(path) = AttributePath::parse(key) else {
        return Ok(());
    };
    let (place, attribute) = path.place(kind);
    // An extension that is no object, and names with a dot, which only PATCH has.
    if place.name.is_empty() || place.sub.is_some() || is_ignored(&place.name, attribute) {
        return Ok(());
    }
    let Some(value) = normal(attribute, value)? else {
        return Ok(());
    };
    let target = match place.extension {
        Some(urn) => {
            let entry = attributes.entry(urn);
            let entry = entry.or_insert_with(|| Value::Object(Map::new()));
            entry.as_object_mut()
        }
        None => Some(attributes),
    };
    if let Some(target) = target {
        target.insert(place.name, value);
    }
    Ok(())
}

fn text<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Value::as_str)
}

fn require(attributes: &Map<String, Value>, name: &str) -> Result<(), Error> {
    if text(attributes, name).is_some_and(|text| !text.trim().is_empty()) {
        return Ok(());
    }
    Err(invalid_value(format!("{name} is required.")))
}

/// A response: `schemas`, `id`, the attributes and `meta`, as far as they are asked for.
fn render(
    kind: ScimResource,
    id: &str,
    attributes: &Map<String, Value>,
    more: Option<(&str, Value)>,
    meta: &Meta,
    projection: &Projection,
) -> Value {
    let mut resource = attributes.clone();
    resource.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let extensions = attributes
        .iter()
        .filter(|(key, value)| is_urn(key) && value.is_object())
        .map(|(key, _)| key.as_str());
    let schemas: Vec<_> = std::iter::once(kind.schema().id)
        .chain(extensions)
        .collect();
    resource.insert("schemas".to_owned(), schemas.into());
    resource.insert("id".to_owned(), id.into());
    resource.insert("meta".to_owned(), meta.to_json(kind));
    Value::Object(projection.apply(kind, resource))
}

/// The attributes of a user that the client controls. `userName` is always there and not blank.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    attributes: Map<String, Value>,
}

impl User {
    /// Reads the body of a POST or PUT. `id`, `meta`, `groups`, `schemas` and `password` are ignored.
    pub fn parse(body: &Value) -> Result<Self, Error> {
        Self::from_attributes(attributes(ScimResource::User, body)?)
    }

    pub(crate) fn from_attributes(attributes: Map<String, Value>) -> Result<Self, Error> {
        require(&attributes, "userName")?;
        Ok(Self { attributes })
    }

    /// The attributes, as they are stored. [`User::parse`] reads them again.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The login name as it was sent.
    pub fn user_name(&self) -> &str {
        text(&self.attributes, "userName").unwrap_or_default()
    }

    /// The key under which the login name is unique.
    pub fn user_name_key(&self) -> String {
        fold(self.user_name())
    }

    /// The id in the identity provider. Case matters.
    pub fn external_id(&self) -> Option<&str> {
        text(&self.attributes, "externalId")
    }

    /// The name for people: `displayName`, else `name.formatted`.
    pub fn display_name(&self) -> Option<&str> {
        let formatted = || self.attributes.get("name")?.get("formatted")?.as_str();
        text(&self.attributes, "displayName").or_else(formatted)
    }

    /// Whether the user may sign in. Defaults to true.
    pub fn is_active(&self) -> bool {
        self.attributes.get("active") != Some(&Value::Bool(false))
    }

    /// The same user with another `active`.
    #[must_use]
    pub fn with_active(mut self, is_active: bool) -> Self {
        self.attributes
            .insert("active".to_owned(), is_active.into());
        self
    }

    /// The email addresses: the primary one first, then in their order.
    pub fn emails(&self) -> Vec<&str> {
        let emails = self.attributes.get("emails").and_then(Value::as_array);
        let mut emails: Vec<_> = emails.into_iter().flatten().collect();
        emails.sort_by_key(|email| !is_primary(email));
        emails
            .into_iter()
            .filter_map(|email| email.get("value")?.as_str())
            .collect()
    }

    /// The response. `groups` are the groups of the user, if the caller read them.
    pub fn render(
        &self,
        id: &str,
        groups: Option<Value>,
        meta: &Meta,
        projection: &Projection,
    ) -> Value {
        let groups = groups.map(|groups| ("groups", groups));
        render(
            ScimResource::User,
            id,
            &self.attributes,
            groups,
            meta,
            projection,
        )
    }
}

/// The attributes of a group that the client controls, without its members. `displayName` is always
/// there and not blank.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    attributes: Map<String, Value>,
}

/// The body of a POST or PUT of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupBody {
    /// The group.
    pub group: Group,
    /// All its members; `None` if the body does not name them.
    pub members: Option<Members>,
}

impl GroupBody {
    /// Reads the body. `id`, `meta` and `schemas` are ignored.
    pub fn parse(body: &Value) -> Result<Self, Error> {
        let mut attributes = attributes(ScimResource::Group, body)?;
        let members = attributes.remove("members").unwrap_or(Value::Null);
        let mut names = body.as_object().into_iter().flat_map(Map::keys);
        let is_named = names.any(|name| name.eq_ignore_ascii_case("members"));
        Ok(Self {
            group: Group::from_attributes(attributes)?,
            members: is_named.then(|| Members::parse(&members)).transpose()?,
        })
    }
}

impl Group {
    pub(crate) fn from_attributes(attributes: Map<String, Value>) -> Result<Self, Error> {
        require(&attributes, "displayName")?;
        Ok(Self { attributes })
    }

    /// The attributes, as they are stored. [`GroupBody::parse`] reads them again.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The name as it was sent.
    pub fn display_name(&self) -> &str {
        text(&self.attributes, "displayName").unwrap_or_default()
    }

    /// The key under which the name is unique.
    pub fn display_name_key(&self) -> String {
        fold(self.display_name())
    }

    /// The id in the identity provider. Case matters.
    pub fn external_id(&self) -> Option<&str> {
        text(&self.attributes, "externalId")
    }

    /// The response. `members` are all its members, or `None` if the caller did not read them.
    pub fn render(
        &self,
        id: &str,
        members: Option<&Members>,
        meta: &Meta,
        projection: &Projection,
    ) -> Value {
        let members = members.map(|members| ("members", members.to_json()));
        render(
            ScimResource::Group,
            id,
            &self.attributes,
            members,
            meta,
            projection,
        )
    }
}
