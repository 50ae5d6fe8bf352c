//! The members of groups, and changes of them that need no list of all members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use strum::AsRefStr;

use crate::error::Error;
use crate::error::invalid_value;
use crate::filter::get;

/// Maximum number of members of a group, and of members in one request.
pub const MAX_MEMBERS: usize = 10_000;

/// The type of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsRefStr)]
pub enum MemberType {
    /// A user. The default.
    #[default]
    User,
    /// A group.
    Group,
}

/// Members by their id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(pub BTreeMap<String, MemberType>);

impl Members {
    /// Reads an array of members, a single one, or bare ids. `null` has none.
    pub(crate) fn parse(value: &Value) -> Result<Self, Error> {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        if values.len() > MAX_MEMBERS {
            return Err(invalid_value(format!(
                "A group has at most {MAX_MEMBERS} members."
            )));
        }
        let mut members = BTreeMap::new();
        for value in values {
            let (id, kind) = match value {
                Value::Object(member) => (
                    get(member, "value").and_then(Value::as_str),
                    get(member, "type").and_then(Value::as_str),
                ),
                value => (value.as_str(), None),
            };
            let id = id.filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| invalid_value("A member must have a value."))?;
            let is_group = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Group"));
            let kind = if is_group {
                MemberType::Group
            } else {
                MemberType::User
            };
            members.insert(id.to_owned(), kind);
        }
        Ok(Self(members))
    }

    /// The attribute `members`.
    pub(crate) fn to_json(&self) -> Value {
        let members = self
            .0
            .iter()
            .map(|(id, kind)| json!({"value": id, "type": kind.as_ref()}));
        members.collect()
    }
}

/// The change of the members of a group by a PATCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembersChange {
    /// Adds and removes some, and leaves the others. Both may be empty, and no id is in both. Adding a
    /// member that is there, and removing one that is not, succeeds.
    Some {
        /// To add.
        add: Members,
        /// To remove, by id.
        remove: BTreeSet<String>,
    },
    /// Replaces all members. Empty to remove all.
    Replace(Members),
}

impl Default for MembersChange {
    fn default() -> Self {
        Self::Some {
            add: Members::default(),
            remove: BTreeSet::new(),
        }
    }
}

impl MembersChange {
    /// Whether it leaves the members as they are.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Some { add, remove } if add.0.is_empty() && remove.is_empty())
    }

    pub(crate) fn add(&mut self, members: Members) {
        match self {
            Self::Some { add, remove } => {
                for (id, kind) in members.0 {
                    remove.remove(&id);
                    add.0.insert(id, kind);
                }
            }
            Self::Replace(all) => all.0.extend(members.0),
        }
    }

    pub(crate) fn remove(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            match self {
                Self::Some { add, remove } => {
                    add.0.remove(&id);
                    remove.insert(id);
                }
                Self::Replace(all) => {
                    all.0.remove(&id);
                }
            }
        }
    }

    /// Returns an error if one request changes more than [`MAX_MEMBERS`] members.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let count = match self {
            Self::Some { add, remove } => add.0.len() + remove.len(),
            Self::Replace(all) => all.0.len(),
        };
        if count > MAX_MEMBERS {
            return Err(invalid_value(format!(
                "A request changes at most {MAX_MEMBERS} members."
            )));
        }
        Ok(())
    }
}
