//! The fields of Graph's responses that the sync uses. All other fields are ignored. A page is invalid if a used
//! field is missing or has another type.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::snapshot::{Assigned, AssignedGroup};
use muster::domain::{GroupId, MAX_NAME_LENGTH, Name};

/// The problem with a response.
pub(super) type PageFault = &'static str;

/// Maximum length of a link to the next page, in bytes.
const MAX_LINK: usize = 16 * 1024;
const NOT_THE_JSON: PageFault = "has an unexpected JSON structure";
const NOT_THE_COUNT: PageFault = "has another number of rows than its @odata.count";

/// Reads a response. Drops the parser's error text, which may repeat part of it.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, PageFault> {
    serde_json::from_slice(body).map_err(|_| NOT_THE_JSON)
}

/// Reads `Authorization_RequestDenied` from `{"error": {"code": …}}`.
pub fn error_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body.get("error")?.get("code")?.as_str()?;
    Some(code.to_owned())
}

/// The parsers of this module for whole lists, page by page. The fuzz targets call them.
pub mod pages {
    use super::{
        Assigned, Assignment, Assignments, BTreeSet, Container, Containers, GroupId, Page,
        PageFault, ServicePrincipal, Tally, read,
    };

    pub use super::{error_code, next_link};

    /// Returns the groups on the pages of `appRoleAssignedTo`, with the values of their app roles from the
    /// application.
    pub fn assigned_groups<'a>(
        pages: impl IntoIterator<Item = &'a [u8]>,
        application: Option<&[u8]>,
    ) -> Result<Assigned, PageFault> {
        let mut assignments = Assignments::default();
        let mut tally = Tally::default();
        for page in pages {
            let page = read::<Page<Assignment>>(page)?;
            tally.add(&page)?;
            for row in page.value {
                assignments.add(row)?;
            }
        }
        tally.finish()?;
        let application = application.and_then(|body| read::<ServicePrincipal>(body).ok());
        let values = application.map(ServicePrincipal::role_values);
        Ok(assignments.finish(&values.unwrap_or_default()))
    }

    /// Returns the groups on the pages of `memberOf`.
    pub fn groups_of_a_user<'a>(
        pages: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<BTreeSet<GroupId>, PageFault> {
        let mut containers = Containers::default();
        let mut tally = Tally::default();
        for page in pages {
            let page = read::<Page<Container>>(page)?;
            tally.add(&page)?;
            for row in page.value {
                containers.add(row);
            }
        }
        tally.finish()?;
        Ok(containers.groups)
    }
}

/// Returns a link to the next page. Fails if it does not lead to Graph, because the token is sent to that URL.
pub fn next_link(link: &str, graph: &Url) -> Result<Url, PageFault> {
    if link.len() > MAX_LINK {
        return Err("links to a next page by too long a link");
    }
    let url = Url::parse(link).map_err(|_| "links to a next page by what is no link")?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if url.origin() != graph.origin() || has_user {
        return Err("links to a next page on another host than Graph's");
    }
    Ok(url)
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<R> {
    pub(super) value: Vec<R>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
    /// The number of rows of the whole list. Only on the first page, and only if `$count=true` was requested.
    #[serde(default, rename = "@odata.count", deserialize_with = "count")]
    count: Option<u64>,
}

/// Reads a count, which must be a number if it is present: `null` is refused as well.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    u64::deserialize(deserializer).map(Some)
}

/// Compares the rows of all pages of a list with the counts on the pages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: u64,
    count: Option<u64>,
}

impl Tally {
    /// Adds a page. Fails if two pages have different counts.
    pub(super) fn add<R>(&mut self, page: &Page<R>) -> Result<(), PageFault> {
        self.rows += page.value.len() as u64;
        match (self.count, page.count) {
            (Some(one), Some(other)) if one != other => Err(NOT_THE_COUNT),
            (one, other) => {
                self.count = one.or(other);
                Ok(())
            }
        }
    }

    /// Fails if the list has another number of rows than its count.
    pub(super) fn finish(&self) -> Result<(), PageFault> {
        if self.count.is_some_and(|count| count != self.rows) {
            return Err(NOT_THE_COUNT);
        }
        Ok(())
    }
}

/// An assigned app role: a row of `appRoleAssignedTo`.
/// <https://learn.microsoft.com/graph/api/resources/approleassignment>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assignment {
    principal_type: String,
    principal_id: Option<String>,
    principal_display_name: Option<String>,
    app_role_id: Option<String>,
}

/// A membership of a user: a row of `memberOf`.
#[derive(Debug, Deserialize)]
pub(super) struct Container {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: String,
}

/// The enterprise application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePrincipal {
    app_roles: Vec<AppRole>,
}

/// <https://learn.microsoft.com/graph/api/resources/approle>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppRole {
    id: String,
    value: Option<String>,
    #[serde(default = "yes")]
    is_enabled: bool,
}

fn yes() -> bool {
    true
}

impl ServicePrincipal {
    /// Returns the values of the app roles by id. Omits disabled app roles, as tokens do.
    pub(super) fn role_values(self) -> BTreeMap<String, String> {
        let enabled = self.app_roles.into_iter().filter(|role| role.is_enabled);
        enabled
            .filter_map(|role| Some((role.id, role.value.filter(|value| !value.is_empty())?)))
            .collect()
    }
}

/// Collects the assigned groups, row by row.
#[derive(Debug, Default)]
pub(super) struct Assignments {
    groups: BTreeMap<GroupId, (Option<String>, BTreeSet<String>)>,
    unusable: BTreeSet<String>,
}

impl Assignments {
    /// Adds a row. Ignores users and service principals.
    pub(super) fn add(&mut self, row: Assignment) -> Result<(), PageFault> {
        if row.principal_type != "Group" {
            return Ok(());
        }
        let id = row.principal_id.ok_or("has a group without an id")?;
        let Ok(id) = GroupId::parse(&*id) else {
            self.unusable.insert(id);
            return Ok(());
        };
        let (name, app_roles) = self.groups.entry(id).or_default();
        app_roles.extend(row.app_role_id);
        // A group has one name. If its rows differ, the result must not depend on the order of the rows.
        let other = row.principal_display_name.filter(|text| has_text(text));
        *name = match (name.take(), other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    /// Returns all groups, with the values of their app roles.
    pub(super) fn finish(self, values: &BTreeMap<String, String>) -> Assigned {
        let groups = self.groups.into_iter().map(|(id, (name, app_roles))| {
            let group = AssignedGroup {
                name: group_name(name.as_deref(), &id),
                app_roles: app_roles
                    .iter()
                    .filter_map(|role| values.get(role).cloned())
                    .collect(),
            };
            (id, group)
        });
        Assigned::new(groups.collect(), self.unusable.len())
    }
}

/// Collects the groups of a user, row by row.
#[derive(Debug, Default)]
pub(super) struct Containers {
    pub(super) groups: BTreeSet<GroupId>,
}

impl Containers {
    /// Adds a row. Ignores directory roles and administrative units. A row with only a type and an id is a group that
    /// the application may not read. It counts, because only the membership matters.
    pub(super) fn add(&mut self, row: Container) {
        let is_group = row.kind.is_none_or(|kind| kind == "#microsoft.graph.group");
        // An id that is not valid here cannot be the id of an organization or team.
        if let (true, Ok(id)) = (is_group, GroupId::parse(row.id)) {
            self.groups.insert(id);
        }
    }
}

fn has_text(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control())
}

/// Returns the name of what is created for a group: its display name, without control characters and truncated to
/// the maximum length of a name (Entra allows 256 characters), or its id if it has no display name.
fn group_name(display_name: Option<&str>, id: &GroupId) -> Name {
    let clean: String = display_name
        .unwrap_or_default()
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_NAME_LENGTH)
        .collect();
    clean.parse().unwrap_or_else(|_| Name::from(id))
}

#[cfg(test)]
mod tests;
