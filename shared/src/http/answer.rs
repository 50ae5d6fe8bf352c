use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Problem;
use crate::store::{FirstAnswer, Page};

/// An answer, before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Location`: the path of what was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `ETag`: the version of the one thing that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The JSON body; `None` for no body at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Whether this is the first answer to an earlier request with the same `Idempotency-Key`.
    #[serde(skip)]
    pub is_repeat: bool,
}

impl Answer {
    fn new(status: u16, body: Option<Value>) -> Self {
        Self {
            status,
            location: None,
            version: None,
            body,
            is_repeat: false,
        }
    }

    /// 200, with what was asked for in this version.
    pub fn ok(body: Value, version: u64) -> Self {
        Self {
            version: Some(version),
            ..Self::new(200, Some(body))
        }
    }

    /// 201, with what was made and where it is.
    pub fn created(body: Value, version: u64, location: String) -> Self {
        Self {
            version: Some(version),
            location: Some(location),
            ..Self::new(201, Some(body))
        }
    }

    /// 204: done, and nothing to show.
    pub fn no_content() -> Self {
        Self::new(204, None)
    }

    /// 304: as the caller has it already.
    pub fn not_modified(version: u64) -> Self {
        Self {
            version: Some(version),
            ..Self::new(304, None)
        }
    }

    /// 200, with a page of a list.
    pub fn page<T>(page: Page<T>, show: impl FnMut(T) -> Value, cursor: Option<String>) -> Self {
        let items: Vec<_> = page.items.into_iter().map(show).collect();
        Self::new(200, Some(json!({"items": items, "next_cursor": cursor})))
    }

    /// The answer as it is kept for a repeat of the request.
    pub fn to_first(&self) -> FirstAnswer {
        // An answer is made of texts, numbers and JSON, all of which serialize.
        FirstAnswer(serde_json::to_string(self).unwrap_or_default())
    }

    /// The kept answer to an earlier request, given again.
    pub fn repeated(first: &FirstAnswer) -> Result<Self, Problem> {
        match serde_json::from_str(&first.0) {
            Ok(answer) => Ok(Self {
                is_repeat: true,
                ..answer
            }),
            // Where, and not what: it is somebody's own.
            Err(error) => Err(Problem::internal(format!(
                "a kept answer cannot be read at column {}",
                error.column()
            ))),
        }
    }
}
