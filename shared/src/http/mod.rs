//! The HTTP contract: callers, requests and responses.

mod answer;
mod caller;
mod cursor;
mod entity_tag;
mod event;
mod problem;
mod query;
mod request;
mod uri;

pub use answer::{Answer, Export, MediaType, RawAnswer, json};
pub use caller::MACHINE_SCOPE;
pub use cursor::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
pub use event::read_event;
pub use problem::{Code, Problem, ProblemDocument};
pub use query::Query;
pub use request::{ApiRequest, MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_LENGTH};
pub use uri::{uri_path, user_in_path};
