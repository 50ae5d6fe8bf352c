//! Query options.

use axum::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::answer::EntraRefusal;
use super::file::MAX_PAGE_SIZE;

/// The query options that the sync can use. <https://learn.microsoft.com/graph/query-parameters>
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) select: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) top: Option<usize>,
    pub(super) count: bool,
    /// The page token of a delta query, which has a form of its own.
    pub(super) skip_token: Option<String>,
    pub(super) delta_token: Option<String>,
    pub(super) from: Option<StartPosition>,
    /// All options except the page token, for the link to the next page.
    pub(super) kept: String,
}

/// The start of a page: the value of its `$skiptoken`.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartPosition {
    pub(super) generation: u64,
    pub(super) page: usize,
    pub(super) offset: usize,
}

/// `a=b&c=d`, decoded.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decode = |part: &str| {
        let part = part.replace('+', " ");
        percent_decode_str(&part).decode_utf8_lossy().into_owned()
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts.map(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    })
}

impl Query {
    /// Parses the options of a list, or of a delta query.
    pub(super) fn parse(text: &str, is_delta: bool) -> Result<Self, EntraRefusal> {
        let mut query = Self::default();
        for (name, value) in pairs(text) {
            match name.as_str() {
                "$select" => query.select = Some(value.clone()),
                "$filter" => query.filter = Some(value.clone()),
                "$top" => query.top = Some(top(&value)?),
                "$count" => query.count = value == "true",
                "$skiptoken" if is_delta => query.skip_token = Some(value.clone()),
                "$deltatoken" if is_delta => query.delta_token = Some(value.clone()),
                "$skiptoken" => {
                    query.from = Some(StartPosition::parse(&value).ok_or_else(expired)?);
                    continue;
                }
                option if option.starts_with('$') => {
                    let what = format!("The query option '{option}' is not played here.");
                    return Err(bad("Request_BadRequest", what));
                }
                _ => continue,
            }
            let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
            query.kept = format!("{}{name}={value}&", query.kept);
        }
        Ok(query)
    }

    /// The number of the requested page, counted from 1.
    pub(super) fn page(&self) -> usize {
        let skip_token = self.skip_token.as_deref();
        let of_delta = skip_token.and_then(|token| token.split_once('.')?.1.parse().ok());
        of_delta.or(self.from.map(|from| from.page)).unwrap_or(1)
    }
}

impl StartPosition {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse::<usize>);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            generation: u64::try_from(next()?).ok()?,
            page: next()?,
            offset: next()?,
        })
    }
}

fn top(value: &str) -> Result<usize, EntraRefusal> {
    match value.parse() {
        Ok(top) if (1..=MAX_PAGE_SIZE).contains(&top) => Ok(top),
        _ => {
            let what = format!(
                "Invalid page size specified: '{value}'. Must be between 1 and 999 inclusive."
            );
            Err(bad("Request_UnsupportedQuery", what))
        }
    }
}

/// The directory of the page's list has been replaced.
pub(super) fn expired() -> EntraRefusal {
    bad(
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
}

pub(super) fn bad(code: &'static str, message: impl Into<String>) -> EntraRefusal {
    EntraRefusal::new(StatusCode::BAD_REQUEST, code, message)
}
