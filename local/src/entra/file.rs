//! The file of the directory, documented in `docs/LOCAL_ENTRA.md`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check;

/// The sample included in this program.
pub(super) const SAMPLE: &str = include_str!("../../directory.sample.json");
/// Default page size, as in Graph.
const DEFAULT_PAGE_SIZE: usize = 100;
/// Maximum page size, as in Graph.
pub(super) const MAX_PAGE_SIZE: usize = 999;

/// A directory as stored in the file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Directory {
    /// The Muster tenant of its users.
    pub(super) tenant_id: String,
    pub(super) application: Application,
    #[serde(default)]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    /// The assignments to the application.
    #[serde(default)]
    pub(super) assignments: Vec<Assignment>,
    /// Maximum page size, for any requested size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) page_size: Option<usize>,
    /// Lifetime of an access token.
    #[serde(default = "an_hour")]
    pub(super) token_seconds: u32,
    #[serde(default)]
    pub(super) faults: Vec<Fault>,
}

/// The app registration and its enterprise application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    /// The Entra tenant, an id or a domain.
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) service_principal_id: String,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) app_roles: Vec<AppRole>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppRole {
    pub(super) id: String,
    pub(super) value: String,
    pub(super) display_name: String,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "Muster calls it so everywhere")]
pub(super) struct User {
    /// The object id, the user's id in Graph.
    pub(super) id: String,
    /// The user's id in Muster: `sub` of the token.
    pub(super) user_id: String,
    pub(super) display_name: String,
    pub(super) email: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// The object id.
    pub(super) id: String,
    /// A group may have no name.
    #[serde(default)]
    pub(super) display_name: Option<String>,
    /// Its direct members: `user_id`s of users, `id`s of groups.
    #[serde(default)]
    pub(super) members: Vec<String>,
}

/// An assignment to the application, with or without an app role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignment {
    /// `id` of a group, or `user_id` of a user.
    pub(super) to: String,
    /// `value` of an app role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) app_role: Option<String>,
}

/// A kind of call that can have a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Question {
    Token,
    AssignedGroups,
    AppRoles,
    UserGroups,
    UserAssignments,
}

/// A wrong or late response.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) on: Question,
    /// Only for calls about this `user_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// Only for this page of a list, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<usize>,
    /// Only for these matching calls, counted from 1. Defaults to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) calls: Vec<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) delay_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Seconds, or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<Value>,
    /// A string is sent as it is, any other value as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    /// Starts a response, then closes the connection.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) cut_off: bool,
}

fn an_hour() -> u32 {
    3599
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Why a text is not a directory: the position and the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: String,
    pub(super) problem: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, problem } = self;
        if place.is_empty() {
            formatter.write_str(problem)
        } else {
            write!(formatter, "{place}: {problem}")
        }
    }
}

/// Parses a directory and checks its consistency.
pub(super) fn read(text: &[u8]) -> Result<Directory, Wrong> {
    // Some editors start a file with a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut json = serde_json::Deserializer::from_slice(text);
    let directory: Directory =
        serde_path_to_error::deserialize(&mut json).map_err(|error| Wrong {
            place: match error.path().to_string() {
                root if root == "." => String::new(),
                place => place,
            },
            problem: error.inner().to_string(),
        })?;
    json.end().map_err(|error| Wrong {
        place: String::new(),
        problem: error.to_string(),
    })?;
    check::check(&directory)?;
    Ok(directory)
}

impl Directory {
    /// The maximum size of the first page and of the others, for this requested size.
    pub(super) fn page_size(&self, asked: Option<usize>) -> usize {
        let size = asked.unwrap_or(DEFAULT_PAGE_SIZE);
        self.page_size.map_or(size, |most| size.min(most))
    }

    /// The user with this object id.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The name of the group with this id, if it has one.
    pub(super) fn group_name(&self, id: &str) -> Option<&str> {
        let group = self.groups.iter().find(|group| group.id == id)?;
        group.display_name.as_deref()
    }

    /// The groups of a user, direct and transitive.
    pub(super) fn groups_of(&self, user: &User, nested: bool) -> Vec<&Group> {
        let has = |group: &Group, member: &str| group.members.iter().any(|it| it == member);
        let mut found: Vec<bool> = self
            .groups
            .iter()
            .map(|group| has(group, &user.user_id))
            .collect();
        // One level per round until no group is added: groups may form cycles.
        let mut grows = nested;
        while grows {
            let inside: Vec<&str> = self
                .groups
                .iter()
                .zip(&found)
                .filter_map(|(group, found)| found.then_some(group.id.as_str()))
                .collect();
            grows = false;
            for (group, found) in self.groups.iter().zip(&mut found) {
                if !*found && inside.iter().any(|id| has(group, id)) {
                    *found = true;
                    grows = true;
                }
            }
        }
        let all = self.groups.iter().zip(found);
        all.filter_map(|(group, found)| found.then_some(group))
            .collect()
    }
}
