//! The HTTP contract: who asks, what they ask, and how they are answered.

mod answer;
mod body;
mod caller;
mod cursor;
mod event;
mod limits;
mod problem;
mod query;
mod request;
mod uri;

pub use answer::{Answer, json};
pub use body::{Fields, text};
pub use cursor::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
pub use event::HttpEvent;
pub use limits::{limits, metadata};
pub use problem::{Code, Problem, ProblemDocument, Violation};
pub use query::Query;
pub use request::{ApiRequest, MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_LENGTH};
pub use uri::{uri_path, user_in_path};
