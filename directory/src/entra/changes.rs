//! Reads what has changed in the directory since the last time, with delta queries of Microsoft Graph.
//! <https://learn.microsoft.com/graph/delta-query-overview>
//!
//! A change names the users that it concerns, and no more: the order of changes is not defined, and a change can come
//! twice. Their groups are then read as at a login. A change that does not come is found by the next complete read.

use std::collections::{BTreeSet, HashSet};

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::directory::{EntraReader, MAX_PAGES, MAX_ROWS};
use super::error::{Question, ReadError};
use super::page::{self, next_link};
use muster::domain::{EntraObjectId, GroupId};

/// Maximum number of groups that one delta query follows.
pub const MAX_FOLLOWED: usize = 50;
/// Error codes of a link that has expired: after 7 days, and when Graph wants a complete read.
const EXPIRED: [&str; 3] = ["syncStateNotFound", "syncStateInvalid", "resyncRequired"];

/// A link to the changes after a read. It has the whole query, and is for Graph only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaLink(String);

impl DeltaLink {
    /// Returns the link that was stored.
    pub fn stored(link: String) -> Self {
        Self(link)
    }

    /// Returns the link, to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a read of changes starts.
#[derive(Clone, Debug)]
pub enum Since<'a> {
    /// Now: it returns no changes, and the link.
    Now,
    /// After the read that returned this link.
    Link(&'a DeltaLink),
}

/// The changes in groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChanges {
    /// Users who were added to one of the groups or removed from it.
    pub users: BTreeSet<EntraObjectId>,
    /// Groups whose nested groups have changed, or that are deleted: it concerns users that are not named.
    pub groups: BTreeSet<GroupId>,
}

/// Accounts that were made, changed or deleted.
pub type AccountChanges = BTreeSet<EntraObjectId>;

/// The result of a read of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes<T> {
    /// The changes, and the link to those after them. It is to be stored once they are applied.
    Since(T, DeltaLink),
    /// The link has expired. Everything is to be read.
    Expired,
}

#[derive(Debug, Deserialize)]
struct DeltaPage<R> {
    value: Vec<R>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta_link: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GroupRow {
    id: String,
    #[serde(rename = "@removed")]
    removed: Option<Value>,
    #[serde(default, rename = "members@delta")]
    members: Vec<MemberRow>,
}

#[derive(Debug, Deserialize)]
struct MemberRow {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: String,
}

#[derive(Debug, Deserialize)]
struct UserRow {
    id: String,
}

impl GroupChanges {
    fn add(&mut self, row: GroupRow) {
        let mut concerns_others = row.removed.is_some();
        for member in row.members {
            match member.kind.as_deref() {
                None | Some("#microsoft.graph.user") => {
                    // Users without a valid id are unknown.
                    self.users.extend(member.id.parse().ok());
                }
                Some("#microsoft.graph.group") => concerns_others = true,
                // Devices and service principals are no users.
                Some(_) => {}
            }
        }
        if concerns_others {
            self.groups.extend(GroupId::parse(row.id).ok());
        }
    }
}

impl EntraReader {
    /// Returns the changes of the members of at most [`MAX_FOLLOWED`] groups, or of all groups if none is named. A link has
    /// the groups that it follows.
    pub async fn group_changes(
        &self,
        groups: &[&GroupId],
        since: Since<'_>,
        deadline: Instant,
    ) -> Result<Changes<GroupChanges>, ReadError> {
        let mut first = self.url(&["groups", "delta"]);
        let ids = groups.iter().take(MAX_FOLLOWED);
        let ids: Vec<_> = ids.map(|id| format!("id eq '{id}'")).collect();
        first.query_pairs_mut().append_pair("$select", "id,members");
        if !ids.is_empty() {
            first
                .query_pairs_mut()
                .append_pair("$filter", &ids.join(" or "));
        }
        let mut changes = GroupChanges::default();
        let read = self.changes(
            Question::GroupChanges,
            first,
            since,
            deadline,
            |row: GroupRow| changes.add(row),
        );
        Ok(match read.await? {
            Some(link) => Changes::Since(changes, link),
            None => Changes::Expired,
        })
    }

    /// Returns whose accounts were enabled, disabled or deleted. Not which of the three: rows come late and out of order,
    /// so that a row can be older than what is there now.
    pub async fn account_changes(
        &self,
        since: Since<'_>,
        deadline: Instant,
    ) -> Result<Changes<AccountChanges>, ReadError> {
        let mut first = self.url(&["users", "delta"]);
        first
            .query_pairs_mut()
            .append_pair("$select", "id,accountEnabled");
        let mut changes = AccountChanges::new();
        let read = self.changes(
            Question::AccountChanges,
            first,
            since,
            deadline,
            // Users without a valid id are unknown.
            |row: UserRow| changes.extend(row.id.parse::<EntraObjectId>()),
        );
        Ok(match read.await? {
            Some(link) => Changes::Since(changes, link),
            None => Changes::Expired,
        })
    }

    /// Passes on all rows of a delta query. Returns the link to later changes, or `None` if the link has expired.
    async fn changes<R: serde::de::DeserializeOwned>(
        &self,
        question: Question,
        first: Url,
        since: Since<'_>,
        deadline: Instant,
        mut take: impl FnMut(R),
    ) -> Result<Option<DeltaLink>, ReadError> {
        let nonsense = |problem| ReadError::Nonsense { question, problem };
        let graph = self.graph_endpoint();
        let mut next = match since {
            Since::Link(link) => next_link(link.as_str(), graph).map_err(nonsense)?,
            Since::Now => {
                let mut url = first;
                url.query_pairs_mut().append_pair("$deltatoken", "latest");
                url
            }
        };
        let mut seen = HashSet::new();
        let mut rows = 0_usize;
        loop {
            // A loop of links without a delta link has been seen.
            if seen.len() >= MAX_PAGES || !seen.insert(next.clone()) {
                let problem = "too many pages";
                return Err(ReadError::TooMuch { question, problem });
            }
            let answer = match self.ask(question, &next, false, deadline).await {
                Err(ReadError::Refused { refusal, .. })
                    if refusal.status() == 410
                        || refusal.code().is_some_and(|code| EXPIRED.contains(&code)) =>
                {
                    return Ok(None);
                }
                answer => answer?,
            };
            let page: DeltaPage<R> = page::read(&answer.body).map_err(nonsense)?;
            rows += page.value.len();
            if rows > MAX_ROWS {
                let problem = "too many rows";
                return Err(ReadError::TooMuch { question, problem });
            }
            page.value.into_iter().for_each(&mut take);
            let link = |link: &str| next_link(link, graph).map_err(nonsense);
            next = match (page.next_link, page.delta_link) {
                (Some(next), _) => link(&next)?,
                (None, Some(end)) => {
                    link(&end)?;
                    return Ok(Some(DeltaLink(end)));
                }
                (None, None) => return Err(nonsense("has no delta link")),
            };
        }
    }
}
