use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use super::Problem;
use crate::domain::Page;

/// Bytes of the digest in an entity tag.
const DIGEST_BYTES: usize = 8;

/// An answer, before it is sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Location`: the path of what was created.
    #[serde(default)]
    pub location: Option<String>,
    /// The version of the one resource that is shown; part of its `ETag`.
    #[serde(default)]
    pub version: Option<u64>,
    /// The JSON body; `None` for no body at all.
    #[serde(default)]
    pub body: Option<Box<RawValue>>,
    /// Whether this is the first answer to an earlier request with the same `Idempotency-Key`.
    #[serde(skip)]
    pub is_repeat: bool,
    /// The entity tag of what the caller has already and is not shown again.
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
            is_repeat: false,
            held_tag: None,
        }
    }

    /// 200, with the resource in this version.
    pub fn ok(body: &impl Serialize, version: u64) -> Self {
        Self {
            version: Some(version),
            ..Self::new(200, Some(json(body)))
        }
    }

    /// 201, with what was created, and its path.
    pub fn created(body: &impl Serialize, version: u64, location: String) -> Self {
        Self {
            version: Some(version),
            location: Some(location),
            ..Self::new(201, Some(json(body)))
        }
    }

    /// 204: done, and nothing to show.
    pub fn no_content() -> Self {
        Self::new(204, None)
    }

    /// 200, with a page of a list. `show` makes the JSON of an item.
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

    /// `"<version>.<digest of the representation>"`: callers who see different things never share a tag.
    pub fn entity_tag(&self) -> Option<String> {
        use std::fmt::Write as _;

        if self.held_tag.is_some() {
            return self.held_tag.clone();
        }
        // A page has none, and is not hashed.
        let mut tag = format!("\"{}.", self.version?);
        let digest = Sha256::digest(self.body.as_ref()?.get());
        for byte in digest.iter().take(DIGEST_BYTES) {
            // Writing to a string cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Some(tag)
    }

    /// 304 without a body instead of a representation that the tags of `If-None-Match` name. The whole tag is
    /// compared, and whether it is weak does not matter (RFC 9110, section 13.1.2).
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

    /// The answer again, for a repeated request with the same `Idempotency-Key`.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self {
            is_repeat: true,
            ..self
        }
    }

    /// The answer to an earlier request, as the last release kept it.
    pub fn from_last_release(kept: &str) -> Result<Self, Problem> {
        match serde_json::from_str::<Self>(kept) {
            Ok(answer) => Ok(answer.replayed()),
            // The position only: the content may be personal data.
            Err(error) => Err(Problem::internal(format!(
                "a kept answer cannot be read at column {}",
                error.column()
            ))),
        }
    }
}

/// The JSON of what an answer shows.
pub fn json(value: &impl Serialize) -> Box<RawValue> {
    // It is made of texts, numbers and JSON, all of which serialize.
    to_raw_value(value).unwrap_or_default()
}
