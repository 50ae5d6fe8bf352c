use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr};

use super::Problem;
use crate::domain::Page;

/// Number of bytes of the digest in an entity tag.
const DIGEST_BYTES: usize = 8;

/// The form of a successful response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
pub enum MediaType {
    /// JSON.
    #[default]
    #[strum(serialize = "application/json")]
    Json,
    /// CSV (RFC 4180).
    #[strum(serialize = "text/csv")]
    Csv,
    /// One line of JSON for each item.
    #[strum(serialize = "application/x-ndjson")]
    Ndjson,
}

impl MediaType {
    /// Returns its name in `Accept` and `Content-Type`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A page of a list in a form other than JSON.
#[derive(Clone, Debug)]
pub struct Export {
    /// The form.
    pub media_type: MediaType,
    /// The body.
    pub text: String,
    /// The URL of the next page, relative to that of this page, for the `Link` header.
    pub next: Option<String>,
}

/// A response in a form of its own.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// Its `Content-Type`.
    pub media_type: &'static str,
    /// The body, or `None` for no body.
    pub body: Option<String>,
    /// Further headers, by their names.
    pub headers: Vec<(&'static str, String)>,
    /// The code of the error for the log; `ok` without one.
    pub code: &'static str,
}

/// A response before it is sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header: the path of the created resource.
    #[serde(default)]
    pub location: Option<String>,
    /// The version of the returned resource, which is part of its `ETag`.
    #[serde(default)]
    pub version: Option<u64>,
    /// The JSON body, or `None` for no body.
    #[serde(default)]
    pub body: Option<Box<RawValue>>,
    /// A page in a form other than JSON, instead of the body.
    #[serde(skip)]
    pub export: Option<Export>,
    /// A form of its own, instead of the body.
    #[serde(skip)]
    pub raw: Option<RawAnswer>,
    /// Whether its form depends on the header `Accept`.
    #[serde(skip)]
    pub varies_by_accept: bool,
    /// Whether it replays the first response to a request with the same `Idempotency-Key`.
    #[serde(skip)]
    pub is_repeat: bool,
    /// The entity tag of the representation that the caller already has and that is not sent again.
    #[serde(skip)]
    held_tag: Option<String>,
}

impl Answer {
    fn new(status: u16, body: Option<Box<RawValue>>) -> Self {
        Self {
            status,
            location: None,
            version: None,
            body,
            export: None,
            raw: None,
            varies_by_accept: false,
            is_repeat: false,
            held_tag: None,
        }
    }

    /// Returns 200 with the resource in this version.
    pub fn ok(body: &impl Serialize, version: u64) -> Self {
        Self {
            version: Some(version),
            ..Self::new(200, Some(json(body)))
        }
    }

    /// Returns 201 with the created resource and its path.
    pub fn created(body: &impl Serialize, version: u64, location: String) -> Self {
        Self {
            version: Some(version),
            location: Some(location),
            ..Self::new(201, Some(json(body)))
        }
    }

    /// Returns 204 without a body.
    pub fn no_content() -> Self {
        Self::new(204, None)
    }

    /// Returns 200 with a resource that has no version.
    pub fn unversioned(body: Box<RawValue>) -> Self {
        Self::new(200, Some(body))
    }

    /// Returns a response in a form of its own.
    pub fn raw(status: u16, raw: RawAnswer) -> Self {
        Self {
            raw: Some(raw),
            ..Self::new(status, None)
        }
    }

    /// Returns 200 with a page of a list in a form other than JSON.
    pub fn export(export: Export) -> Self {
        Self {
            export: Some(export),
            ..Self::new(200, None)
        }
    }

    /// Marks it as a response whose form depends on the header `Accept`.
    #[must_use]
    pub fn by_accept(self) -> Self {
        Self {
            varies_by_accept: true,
            ..self
        }
    }

    /// Returns 200 with a page of a list. `show` returns the JSON of an item.
    pub fn page<T>(
        page: Page<T>,
        show: impl Fn(&T) -> Box<RawValue>,
        cursor: Option<String>,
    ) -> Self {
        #[derive(Serialize)]
        struct Shown {
            items: Vec<Box<RawValue>>,
            next_cursor: Option<String>,
        }

        let items = page.items.iter().map(show).collect();
        let next_cursor = cursor;
        Self::new(200, Some(json(&Shown { items, next_cursor })))
    }

    /// Returns `"<version>.<digest of the representation>"`. Different representations never share a tag.
    pub fn entity_tag(&self) -> Option<String> {
        use std::fmt::Write as _;

        if self.held_tag.is_some() {
            return self.held_tag.clone();
        }
        // A page has no entity tag and is not hashed.
        let mut tag = format!("\"{}.", self.version?);
        let digest = Sha256::digest(self.body.as_ref()?.get());
        for byte in digest.iter().take(DIGEST_BYTES) {
            // Writing to a string cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Some(tag)
    }

    /// Returns 304 without a body if `If-None-Match` names the tag of this representation. Compares the whole tag and
    /// ignores whether it is weak (RFC 9110, section 13.1.2).
    #[must_use]
    pub fn unless_held(self, if_none_match: &str) -> Self {
        let Some(own) = self.entity_tag().filter(|_| self.status == 200) else {
            return self;
        };
        let mut tags = if_none_match.split(',').map(str::trim);
        if tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own) {
            return Self {
                held_tag: Some(own),
                ..Self::new(304, None)
            };
        }
        self
    }

    /// Returns the same response, marked as a replay for a request with the same `Idempotency-Key`.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self {
            is_repeat: true,
            ..self
        }
    }

    /// Reads the response to an earlier request in the format of the last release.
    pub fn from_last_release(kept: &str) -> Result<Self, Problem> {
        match serde_json::from_str::<Self>(kept) {
            Ok(answer) => Ok(answer.replayed()),
            // Reports only the position: the content may be personal data.
            Err(error) => Err(Problem::internal(format!(
                "a kept answer cannot be read at column {}",
                error.column()
            ))),
        }
    }
}

/// Returns the JSON of a value in a response.
pub fn json(value: &impl Serialize) -> Box<RawValue> {
    // It consists of strings, numbers and JSON, all of which serialize.
    to_raw_value(value).unwrap_or_default()
}
