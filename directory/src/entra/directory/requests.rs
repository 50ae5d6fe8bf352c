//! Requests to Microsoft Graph, and lists in pages.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Request, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::super::call::ServiceResponse;
use super::super::error::{Question, ReadError};
use super::super::page::{self, Page, Tally};
use super::super::token::Token;
use super::{EntraReader, MAX_PAGES, MAX_ROWS};

/// A list in Graph, and the URL of its first page.
pub(super) struct List {
    pub(super) question: Question,
    pub(super) first: Url,
    /// Whether it is an advanced query, like a cast to groups, which Graph answers from an index.
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub(super) advanced: bool,
}

impl EntraReader {
    /// Passes on all rows of all pages of a list.
    pub(super) async fn follow_pages<R: DeserializeOwned>(
        &self,
        list: List,
        deadline: Instant,
        mut take: impl FnMut(R) -> Result<(), page::PageFault>,
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
    fn next_page(&self, link: &str, seen: &HashSet<Url>) -> Result<Url, page::PageFault> {
        let url = page::next_link(link, &self.settings.graph_endpoint)?;
        if seen.contains(&url) {
            return Err("links to a page that was read before");
        }
        Ok(url)
    }

    /// Returns the URL of Graph.
    pub(in crate::entra) fn graph_endpoint(&self) -> &Url {
        &self.settings.graph_endpoint
    }

    /// Sends one request to Graph. Retries a 401 once with a new token.
    pub(in crate::entra) async fn ask(
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
    pub(in crate::entra) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.settings.graph_endpoint.clone();
        // An http or https URL always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
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
