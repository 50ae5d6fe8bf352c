//! Reads the directory through Microsoft Graph.
//!
//! A read makes two requests at the same time: for the groups assigned to the enterprise application (cached for a
//! few minutes in the warm function) and for the groups of the user. A warm login thus sends one request to Graph.
//! The single request that answers both, `users/{id}/appRoleAssignments` filtered by the enterprise application,
//! would save nothing: the assigned groups are still needed to create what is missing for them. It also requires
//! `Directory.Read.All`, the right to read everything, where these requests need `Application.Read.All` and
//! `GroupMember.Read.All`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::call::{Calls, ServiceResponse};
use super::error::{Question, ReadError};
use super::page::{
    self, Assignment, Assignments, Container, Containers, Page, ServicePrincipal, Tally,
};
use super::settings::EntraConnection;
use super::token::{Token, Tokens};
use crate::snapshot::{Assigned, DirectorySnapshot};
use muster::domain::{Clock, EntraObjectId, Timestamp};

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
pub struct Directory {
    settings: EntraConnection,
    calls: Calls,
    client: Client,
    tokens: Arc<Tokens>,
    /// Requests to Graph, without their retries.
    asked: AtomicU64,
    /// Whether Graph may answer others first.
    has_low_priority: bool,
    /// Locked while the groups are read, so that all callers wait for the same read.
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    assigned: Arc<Assigned>,
    /// A time before the request to Graph was sent.
    asked_at: Timestamp,
}

/// A list in Graph, and the URL of its first page.
struct List {
    question: Question,
    first: Url,
    /// Whether it is an advanced query, like a cast to groups, which Graph answers from an index.
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    advanced: bool,
}

/// An account.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    id: String,
    /// Absent without the permission to read it.
    account_enabled: Option<bool>,
}

impl Directory {
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
            self.rows(list, deadline, take).await?;
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
        let is_usable = |kept: &&Kept| {
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
        *kept = Some(Kept {
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
        self.rows(list, deadline, take).await?;
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
        self.rows(list, deadline, take).await?;
        Ok(groups)
    }

    /// Returns all rows of all pages of a list.
    async fn rows<R: DeserializeOwned>(
        &self,
        list: List,
        deadline: Instant,
        mut take: impl FnMut(R) -> Result<(), page::Problem>,
    ) -> Result<(), ReadError> {
        let question = list.question;
        let nonsense = |problem| ReadError::Nonsense { question, problem };
        let too_much = |problem| ReadError::TooMuch { question, problem };
        let mut next = Some(list.first);
        let mut seen = HashSet::new();
        let mut rows = 0_usize;
        let mut tally = Tally::default();
        while let Some(url) = next {
            if seen.len() >= MAX_PAGES {
                return Err(too_much("too many pages"));
            }
            let answer = self.ask(question, &url, list.advanced, deadline).await?;
            let page: Page<R> = page::read(&answer.body).map_err(nonsense)?;
            rows += page.value.len();
            tally.add(&page).map_err(nonsense)?;
            if rows > MAX_ROWS {
                return Err(too_much("too many rows"));
            }
            for row in page.value {
                take(row).map_err(nonsense)?;
            }
            seen.insert(url);
            next = match page.next_link {
                None => None,
                Some(link) => Some(self.next_page(&link, &seen).map_err(nonsense)?),
            };
        }
        tally.finish().map_err(nonsense)
    }

    /// Returns the URL of a link to the next page. Fails if that page was read before.
    fn next_page(&self, link: &str, seen: &HashSet<Url>) -> Result<Url, page::Problem> {
        let url = page::next_link(link, &self.settings.graph_endpoint)?;
        if seen.contains(&url) {
            return Err("links to a page that was read before");
        }
        Ok(url)
    }

    /// Returns the URL of Graph.
    pub(super) fn graph_endpoint(&self) -> &Url {
        &self.settings.graph_endpoint
    }

    /// Sends one request to Graph. Retries a 401 once with a new token.
    pub(super) async fn ask(
        &self,
        question: Question,
        url: &Url,
        advanced: bool,
        deadline: Instant,
    ) -> Result<ServiceResponse, ReadError> {
        let token = self.tokens.token(deadline).await?;
        let answer = self
            .ask_with(&token, question, url, advanced, deadline)
            .await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return check(answer, question);
        }
        let token = self.tokens.renewed(&token, deadline).await?;
        let answer = self
            .ask_with(&token, question, url, advanced, deadline)
            .await?;
        check(answer, question)
    }

    async fn ask_with(
        &self,
        token: &Token,
        question: Question,
        url: &Url,
        advanced: bool,
        deadline: Instant,
    ) -> Result<ServiceResponse, ReadError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut request = Request::new(Method::GET, url.clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.header.clone());
        if advanced {
            headers.insert(
                HeaderName::from_static("consistencylevel"),
                HeaderValue::from_static("eventual"),
            );
        }
        if self.has_low_priority {
            request.headers_mut().insert(
                HeaderName::from_static("x-ms-throttle-priority"),
                HeaderValue::from_static("Low"),
            );
        }
        let answer = self.calls.send(&request, deadline).await;
        answer.map_err(|error| ReadError::from_call(error, question))
    }

    /// Returns a URL below the endpoint. Escapes each segment, so that no id changes the path.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.settings.graph_endpoint.clone();
        // An http or https URL always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// Returns whether an id can be that of an account.
fn is_uuid(id: &EntraObjectId) -> bool {
    id.as_str().len() == 36 && uuid::Uuid::try_parse(id.as_str()).is_ok()
}

/// Returns a 200 response, and maps any other status to its error.
fn check(answer: ServiceResponse, question: Question) -> Result<ServiceResponse, ReadError> {
    if answer.status == StatusCode::OK {
        return Ok(answer);
    }
    let refusal = answer.refusal(page::error_code(&answer.body));
    Err(match (answer.status.as_u16(), question) {
        (401, _) => ReadError::TokenRefused { question, refusal },
        (403, _) => ReadError::Forbidden { question, refusal },
        (404, Question::UserGroups) => ReadError::UnknownUser { refusal },
        (404, _) => ReadError::UnknownServicePrincipal { refusal },
        (429 | 503, _) => ReadError::Throttled {
            question,
            retry_after: answer.retry_after,
            refusal,
        },
        (500.., _) => ReadError::Failing { question, refusal },
        _ => ReadError::Refused { question, refusal },
    })
}
