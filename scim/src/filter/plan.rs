//! Which part of a filter an index can answer.

use super::{Filter, Literal, Operator, Test};
use crate::schema::ScimResource;
use crate::text::fold;

/// Maximum number of lookups that one filter with `or` may need.
pub const MAX_ALTERNATIVES: usize = 10;

/// The attributes by which an index finds resources, the most selective first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Indexed {
    /// `id`
    Id,
    /// `userName`
    UserName,
    /// `externalId`
    ExternalId,
    /// `emails.value`
    Email,
    /// `displayName`
    DisplayName,
    /// `members.value` of a group
    Member,
}

/// An equality that an index answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The index.
    pub by: Indexed,
    /// The value to find: folded by [`fold`] unless the attribute is `id`, `externalId` or `members`.
    pub value: String,
}

/// Lookups that a resource must all satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// At least one lookup, the most selective first.
    pub lookups: Vec<Lookup>,
    /// Whether conditions remain that only [`Filter::matches`] answers.
    pub is_partial: bool,
}

/// How to find the resources that match a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Find each alternative by index, and keep what the filter matches. Results may repeat.
    Indexed(Vec<Alternative>),
    /// No index helps: read all in a bounded way, or refuse with `invalidFilter`.
    Scan,
}

/// The members of a group that a filter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersAsked {
    /// Ids that the filter asks for as members.
    pub ids: Vec<String>,
    /// Whether it asks for more than that, so that all members have to be read.
    pub needs_all: bool,
}

/// An equality on one attribute outside of extensions.
struct Equality<'a> {
    name: String,
    sub: Option<String>,
    value: &'a str,
    /// Whether the filter asks for more than this.
    is_partial: bool,
}

/// The text that a test asks for.
fn equal(test: &Test) -> Option<&str> {
    match test {
        Test::Compare(Operator::Equal, Literal::String(value) | Literal::Number(value)) => {
            Some(value)
        }
        _ => None,
    }
}

fn equality(filter: &Filter, kind: ScimResource) -> Option<Equality<'_>> {
    let (path, sub, value, is_partial) = match filter {
        Filter::Attribute(path, test) => (path, None, equal(test)?, false),
        Filter::Element(path, _, Some((sub, test))) => (path, Some(sub), equal(test)?, true),
        Filter::Element(path, inner, None) => {
            let Filter::Attribute(sub, test) = &**inner else {
                return None;
            };
            (path, Some(&sub.name), equal(test)?, false)
        }
        _ => return None,
    };
    let (place, _) = path.place(kind);
    let sub = sub.map_or(place.sub, |sub| Some(sub.to_ascii_lowercase()));
    place.extension.is_none().then_some(Equality {
        name: place.name,
        sub,
        value,
        is_partial,
    })
}

/// The id that a filter asks for as a member: `members eq "a"`, `members.value eq "a"`,
/// `members[value eq "a"]`.
pub(super) fn member_id(filter: &Filter, kind: ScimResource) -> Option<&str> {
    let Equality {
        name,
        sub,
        value,
        is_partial,
    } = equality(filter, kind)?;
    let is_id = kind == ScimResource::Group
        && name == "members"
        && sub.is_none_or(|sub| sub == "value")
        && !is_partial;
    is_id.then_some(value)
}

fn lookup(filter: &Filter, kind: ScimResource) -> Option<(Lookup, bool)> {
    let Equality {
        name,
        sub,
        value,
        is_partial,
    } = equality(filter, kind)?;
    let of_value = sub.as_ref().is_none_or(|sub| sub == "value");
    let by = match (name.as_str(), kind) {
        ("id", _) if sub.is_none() => Indexed::Id,
        ("userName", ScimResource::User) if sub.is_none() => Indexed::UserName,
        ("externalId", _) if sub.is_none() => Indexed::ExternalId,
        ("displayName", _) if sub.is_none() => Indexed::DisplayName,
        ("emails", ScimResource::User) if of_value => Indexed::Email,
        ("members", ScimResource::Group) if of_value => Indexed::Member,
        _ => return None,
    };
    let is_exact = matches!(by, Indexed::Id | Indexed::ExternalId | Indexed::Member);
    let value = if is_exact {
        value.to_owned()
    } else {
        fold(value)
    };
    Some((Lookup { by, value }, is_partial))
}

impl Filter {
    /// How to find the matching resources.
    pub fn plan(&self, kind: ScimResource) -> Plan {
        let parts = match self {
            Self::Or(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        if parts.len() > MAX_ALTERNATIVES {
            return Plan::Scan;
        }
        let alternatives = parts.iter().map(|part| part.alternative(kind));
        alternatives
            .collect::<Option<Vec<_>>>()
            .map_or(Plan::Scan, Plan::Indexed)
    }

    fn alternative(&self, kind: ScimResource) -> Option<Alternative> {
        let parts = match self {
            Self::And(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let found = parts.iter().map(|part| lookup(part, kind));
        let (mut lookups, mut is_partial) = (Vec::new(), false);
        for found in found {
            match found {
                Some((lookup, partial)) => {
                    lookups.push(lookup);
                    is_partial |= partial;
                }
                None => is_partial = true,
            }
        }
        lookups.sort_by_key(|lookup| lookup.by);
        (!lookups.is_empty()).then_some(Alternative {
            lookups,
            is_partial,
        })
    }

    /// Returns the members that the filter asks for, so that a caller reads these and not all members.
    pub fn members_asked(&self, kind: ScimResource) -> MembersAsked {
        let mut asked = MembersAsked::default();
        self.ask_members(kind, &mut asked);
        asked
    }

    fn ask_members(&self, kind: ScimResource, asked: &mut MembersAsked) {
        if let Some(id) = member_id(self, kind) {
            asked.ids.push(id.to_owned());
            return;
        }
        match self {
            Self::Attribute(path, _) | Self::Element(path, _, _) => {
                let (place, _) = path.place(kind);
                asked.needs_all |= kind == ScimResource::Group && place.name == "members";
            }
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.ask_members(kind, asked);
                }
            }
            Self::Not(part) => part.ask_members(kind, asked),
        }
    }
}
