//! The HTTP contract: who asks, what they ask, and how they are answered.

mod answer;
mod body;
mod cursor;
mod event;
mod limits;
mod problem;
mod request;
mod uri;

pub use answer::Answer;
pub use body::{Fields, text};
pub use cursor::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
pub use event::HttpEvent;
pub use limits::{limits, metadata};
pub use problem::{Code, Problem, ProblemDocument, Violation};
pub use request::{ApiRequest, MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_LENGTH, ONESELF};
pub use uri::uri_path;
