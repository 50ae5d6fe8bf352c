//! Reads the directory through Microsoft Graph.
//!
//! A read makes two requests at the same time: for the groups assigned to the enterprise application (cached for a
//! few minutes in the warm function) and for the groups of the user. A warm login thus sends one request to Graph.
//! The single request that answers both, `users/{id}/appRoleAssignments` filtered by the enterprise application,
//! would save nothing: the assigned groups are still needed to create what is missing for them. It also requires
//! `Directory.Read.All`, the right to read everything, where these requests need `Application.Read.All` and
//! `GroupMember.Read.All`.

mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::call::Calls;
use super::error::{Question, ReadError};
use super::page::{self, Assignment, Assignments, Container, Containers, ServicePrincipal};
use super::settings::EntraConnection;
use super::token::Tokens;
use crate::snapshot::{Assigned, DirectorySnapshot};
use muster::domain::{Clock, EntraObjectId, Timestamp};
use requests::List;

/// How long the assigned groups are cached in the warm function.
pub const ASSIGNED_GROUPS_LIFE: Duration = Duration::from_mins(5);
/// Maximum number of rows of a list: ten times as many as the largest known directories have.
pub const MAX_ROWS: usize = 50_000;
/// Maximum number of pages of a list: enough for [`MAX_ROWS`] in Graph's default pages of 100.
pub const MAX_PAGES: usize = 500;

/// Timeout of one call that no user waits for.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of values after `in` in a filter.
const MAX_IN: usize = 15;

/// The error code for a page whose list has changed since the first page.
const EXPIRED_PAGE: &str = "Directory_ExpiredPageToken";

/// Microsoft Graph, and the token to access it.
#[derive(Debug)]
pub struct EntraReader {
    settings: EntraConnection,
    calls: Calls,
    client: Client,
    tokens: Arc<Tokens>,
    /// Requests to Graph, without their retries.
    asked: AtomicU64,
    /// Whether Graph may answer others first.
    has_low_priority: bool,
    /// Locked while the groups are read, so that all callers wait for the same read.
    kept: Mutex<Option<CachedAssignments>>,
}

#[derive(Debug)]
struct CachedAssignments {
    assigned: Arc<Assigned>,
    /// A time before the request to Graph was sent.
    asked_at: Timestamp,
}

/// An account.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    id: String,
    /// Absent without the permission to read it.
    account_enabled: Option<bool>,
}

impl EntraReader {
    /// Creates the directory from its settings, with that [client](crate::http_client).
    pub fn new(settings: EntraConnection, client: Client, clock: Clock) -> Self {
        let calls = Calls::new(client.clone(), clock);
        Self {
            tokens: Arc::new(Tokens::new(&settings, calls.clone(), client.clone())),
            asked: AtomicU64::new(0),
            has_low_priority: false,
            kept: Mutex::new(None),
            settings,
            calls,
            client,
        }
    }

    /// Returns the tokens of a connection, for several directories to share.
    pub(crate) fn tokens(settings: &EntraConnection, client: Client, clock: Clock) -> Tokens {
        Tokens::new(settings, Calls::new(client.clone(), clock), client)
    }

    /// Returns the directory with tokens that it shares.
    #[must_use]
    pub(crate) fn with_tokens(self, tokens: Arc<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Returns how many requests were made to Graph, without their retries.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns the directory for work that no user waits for: Graph may answer others first, and takes its time.
    /// <https://learn.microsoft.com/graph/throttling>
    #[must_use]
    pub(crate) fn in_background(self) -> Self {
        let calls = self.calls.with_timeout(BACKGROUND_TIMEOUT);
        Self {
            has_low_priority: true,
            calls,
            ..self
        }
    }

    /// Returns the directory with another timeout of one call than [`CALL_TIMEOUT`](crate::CALL_TIMEOUT).
    #[must_use]
    pub fn with_call_timeout(self, timeout: Duration) -> Self {
        let calls = self.calls.with_timeout(timeout);
        let tokens = Tokens::new(&self.settings, calls.clone(), self.client.clone());
        Self {
            tokens: Arc::new(tokens),
            calls,
            ..self
        }
    }

    /// Reads everything that a plan for this user needs, or fails as a whole. Ends before `deadline`.
    pub async fn read(
        &self,
        user: &EntraObjectId,
        deadline: Instant,
    ) -> Result<DirectorySnapshot, ReadError> {
        self.read_with(user, None, deadline).await
    }

    /// Reads the groups assigned to the application, or returns those that were read up to five minutes ago. `None` if
    /// the application is not set.
    pub async fn assigned_groups(
        &self,
        deadline: Instant,
    ) -> Result<Option<Arc<Assigned>>, ReadError> {
        Ok(self.assigned(None, deadline).await?.0)
    }

    /// Reads which of these accounts are there, and whether they are enabled, by their ids in lower case. Leaves out ids
    /// that cannot be of an account, which Graph would refuse with all others.
    ///
    /// With a lesser permission, like `User.ReadBasic.All`, Graph names the accounts but does not say of any whether it is
    /// enabled. This is [`ReadError::Withheld`].
    pub async fn accounts(
        &self,
        ids: &[&EntraObjectId],
        deadline: Instant,
    ) -> Result<BTreeMap<String, bool>, ReadError> {
        let mut accounts = BTreeMap::new();
        let mut is_withheld = false;
        let ids: Vec<_> = ids.iter().filter(|id| is_uuid(id)).collect();
        for some in ids.chunks(MAX_IN) {
            let some: Vec<_> = some.iter().map(|id| format!("'{id}'")).collect();
            let mut first = self.url(&["users"]);
            first
                .query_pairs_mut()
                .append_pair("$select", "id,accountEnabled")
                .append_pair("$filter", &format!("id in ({})", some.join(",")));
            let list = List {
                question: Question::Accounts,
                first,
                advanced: false,
            };
            let take = |row: Account| {
                is_withheld |= row.account_enabled.is_none();
                let id = row.id.to_ascii_lowercase();
                accounts.extend(row.account_enabled.map(|enabled| (id, enabled)));
                Ok(())
            };
            self.follow_pages(list, deadline, take).await?;
        }
        if is_withheld && accounts.is_empty() {
            return Err(ReadError::Withheld);
        }
        Ok(accounts)
    }

    /// Reads both lists again. Uses nothing that was requested from Graph before this call.
    pub async fn read_again(
        &self,
        user: &EntraObjectId,
        after: Timestamp,
        deadline: Instant,
    ) -> Result<DirectorySnapshot, ReadError> {
        self.read_with(user, Some(after), deadline).await
    }

    async fn read_with(
        &self,
        user: &EntraObjectId,
        after: Option<Timestamp>,
        deadline: Instant,
    ) -> Result<DirectorySnapshot, ReadError> {
        let assigned = self.assigned(after, deadline);
        let both = async { tokio::try_join!(assigned, self.groups_of(user, deadline)) };
        let ((assigned, is_kept), user_groups) = timeout_at(deadline, both)
            .await
            .map_err(|_| ReadError::OutOfTime)??;
        Ok(DirectorySnapshot::new(assigned, user_groups.groups).kept(is_kept))
    }

    /// Returns the assigned groups (`None` if the application is not set), and whether they are cached from an earlier
    /// login. Uses the cached groups unless they were requested from Graph at or before `after`.
    async fn assigned(
        &self,
        after: Option<Timestamp>,
        deadline: Instant,
    ) -> Result<(Option<Arc<Assigned>>, bool), ReadError> {
        let Some(application) = &self.settings.service_principal_id else {
            return Ok((None, false));
        };
        let mut kept = self.kept.lock().await;
        let now = self.calls.clock().now();
        let is_usable = |kept: &&CachedAssignments| {
            now < kept.asked_at.after(ASSIGNED_GROUPS_LIFE)
                && after.is_none_or(|after| kept.asked_at > after)
        };
        if let Some(kept) = kept.as_ref().filter(is_usable) {
            return Ok((Some(kept.assigned.clone()), true));
        }
        let rows = async {
            let counted = self.assignments(application, true, deadline).await;
            // Graph returns a count of this list, but does not document it. A list without a count is just as complete.
            match counted {
                Err(ReadError::Refused { refusal, .. })
                    if refusal.status() == 400 && refusal.code() != Some(EXPIRED_PAGE) =>
                {
                    self.assignments(application, false, deadline).await
                }
                counted => counted,
            }
        };
        let (rows, values) = tokio::try_join!(rows, self.app_roles(application, deadline))?;
        let assigned = Arc::new(rows.finish(&values));
        *kept = Some(CachedAssignments {
            assigned: assigned.clone(),
            asked_at: now,
        });
        Ok((Some(assigned), false))
    }

    /// Returns the rows of all assignments to the enterprise application.
    async fn assignments(
        &self,
        application: &str,
        counted: bool,
        deadline: Instant,
    ) -> Result<Assignments, ReadError> {
        let mut first = self.url(&["servicePrincipals", application, "appRoleAssignedTo"]);
        first.set_query(Some(if counted {
            "$top=999&$count=true"
        } else {
            "$top=999"
        }));
        let list = List {
            question: Question::AssignedGroups,
            first,
            advanced: false,
        };
        let mut rows = Assignments::default();
        let take = |row: Assignment| rows.add(row);
        self.follow_pages(list, deadline, take).await?;
        Ok(rows)
    }

    /// Returns the values of the app roles by id. Empty if the role map names none.
    async fn app_roles(
        &self,
        application: &str,
        deadline: Instant,
    ) -> Result<BTreeMap<String, String>, ReadError> {
        if !self.settings.app_roles {
            return Ok(BTreeMap::new());
        }
        let question = Question::AppRoles;
        let mut url = self.url(&["servicePrincipals", application]);
        url.set_query(Some("$select=appRoles"));
        let answer = self.ask(question, &url, false, deadline).await?;
        let read = page::read(&answer.body);
        let application: ServicePrincipal =
            read.map_err(|problem| ReadError::Nonsense { question, problem })?;
        Ok(application.role_values())
    }

    async fn groups_of(
        &self,
        user: &EntraObjectId,
        deadline: Instant,
    ) -> Result<Containers, ReadError> {
        let way = if self.settings.nested_groups {
            "transitiveMemberOf"
        } else {
            "memberOf"
        };
        let mut first = self.url(&["users", user.as_str(), way, "microsoft.graph.group"]);
        first.set_query(Some("$select=id&$top=999&$count=true"));
        let list = List {
            question: Question::UserGroups,
            first,
            advanced: true,
        };
        let mut groups = Containers::default();
        let take = |row: Container| {
            groups.add(row);
            Ok(())
        };
        self.follow_pages(list, deadline, take).await?;
        Ok(groups)
    }
}

/// Returns whether an id can be that of an account.
fn is_uuid(id: &EntraObjectId) -> bool {
    id.as_str().len() == 36 && uuid::Uuid::try_parse(id.as_str()).is_ok()
}
