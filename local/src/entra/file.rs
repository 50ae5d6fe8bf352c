//! The file of the directory, documented in `docs/LOCAL_ENTRA.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The sample included in this program.
pub(super) const SAMPLE: &str = include_str!("../../directory.sample.json");
/// Default page size, as in Graph.
const DEFAULT_PAGE_SIZE: usize = 100;
/// Maximum page size, as in Graph.
pub(super) const MAX_PAGE_SIZE: usize = 999;

/// A directory as stored in the file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The Muster tenant of its users.
    pub tenant_id: String,
    /// The application that reads the directory.
    pub application: Application,
    /// The custom domains that the Entra tenant has verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// All users.
    #[serde(default)]
    pub users: Vec<User>,
    /// All groups, in the order of the lists.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The assignments to the application.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// Maximum page size, for any requested size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<usize>,
    /// Lifetime of an access token.
    #[serde(default = "an_hour")]
    pub token_seconds: u32,
    /// The first that matches a call applies.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// More Entra tenants, each with the users of another Muster tenant. They have no faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_tenants: Vec<Directory>,
}

/// The app registration and its enterprise application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The Entra tenant, an id or a domain.
    pub tenant: String,
    /// The id of the app registration.
    pub client_id: String,
    /// The only accepted secret.
    pub client_secret: String,
    /// The object id of the enterprise application.
    pub service_principal_id: String,
    /// The name of the enterprise application.
    pub display_name: String,
    /// The app roles that assignments name by `value`.
    #[serde(default)]
    pub app_roles: Vec<AppRole>,
}

/// An app role of the application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// The id, which assignments have in Graph.
    pub id: String,
    /// The value, which settings have.
    pub value: String,
    /// The name for people.
    pub display_name: String,
    /// Defaults to `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A user of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The object id, the user's id in Graph.
    pub id: String,
    /// The user's id in Muster: `sub` of the token.
    pub user_id: String,
    /// The user's name.
    pub display_name: String,
    /// The user's address.
    pub email: String,
    /// Whether the account is enabled in the directory. Defaults to `true`.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub account_enabled: bool,
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The object id.
    pub id: String,
    /// A group may have no name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Its direct members: `user_id`s of users, `id`s of groups.
    #[serde(default)]
    pub members: Vec<String>,
}

/// An assignment to the application, with or without an app role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// `id` of a group, or `user_id` of a user.
    pub to: String,
    /// `value` of an app role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_role: Option<String>,
}

/// An endpoint of Entra or Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraphEndpoint {
    /// Issues an access token.
    Token,
    /// Lists the assignments to the application.
    AssignedGroups,
    /// Returns the app roles of the application.
    AppRoles,
    /// Lists the groups of a user.
    UserGroups,
    /// Lists the assignments of a user.
    UserAssignments,
    /// Lists groups and their members, or what has changed since a link.
    GroupChanges,
    /// Lists users, or what has changed since a link.
    UserChanges,
    /// Lists the users with given ids.
    Users,
}

impl GraphEndpoint {
    /// Whether it answers delta queries.
    pub(super) const fn is_delta(self) -> bool {
        matches!(self, Self::GroupChanges | Self::UserChanges)
    }
}

/// A wrong or late response.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only for calls to this endpoint.
    pub on: GraphEndpoint,
    /// Only for calls about this `user_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only for this page of a list, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// Only for calls with `$count=true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub counted: bool,
    /// Only for calls of low priority, which Graph throttles first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub low_priority: bool,
    /// Only for these matching calls, counted from 1. Defaults to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<u64>,
    /// Delays the response.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// Replaces the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds, or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Value>,
    /// Replaces the response. A string is sent as it is, any other value as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Set in the response.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Number of rows to leave out at the end of a page.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omit_rows: u64,
    /// Members to set in the normal response.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
    /// Starts a response, then closes the connection.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut_off: bool,
}

impl Fault {
    /// A fault of all calls to an endpoint, without an effect yet.
    pub fn on(endpoint: GraphEndpoint) -> Self {
        Self {
            on: endpoint,
            user: None,
            page: None,
            counted: false,
            low_priority: false,
            calls: Vec::new(),
            delay_ms: 0,
            status: None,
            retry_after: None,
            body: None,
            headers: BTreeMap::new(),
            omit_rows: 0,
            set: Map::new(),
            cut_off: false,
        }
    }
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
fn is_true(flag: &bool) -> bool {
    *flag
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

impl Directory {
    /// The directory of an Entra tenant, by its id or one of its domains.
    pub(super) fn of_tenant(&self, tenant: &str) -> Option<&Self> {
        let is_it = |one: &&Self| {
            let domains = one.domains.iter().map(String::as_str);
            let mut names = domains.chain([one.application.tenant.as_str()]);
            names.any(|name| name.eq_ignore_ascii_case(tenant))
        };
        std::iter::once(self).chain(&self.other_tenants).find(is_it)
    }

    /// The maximum size of the first page and of the others, for this requested size.
    pub(super) fn page_size(&self, asked: Option<usize>) -> usize {
        let size = asked.unwrap_or(DEFAULT_PAGE_SIZE);
        self.page_size.map_or(size, |most| size.min(most))
    }

    /// The user with this object id.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|user| user.id.eq_ignore_ascii_case(id))
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
