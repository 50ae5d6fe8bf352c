use crate::domain::{Caller, IdempotencyKey, Timestamp};

/// Who asks for an operation, when, and in which request. The first parameter of every operation that acts for a
/// caller.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub caller: Caller,
    /// When the request arrived.
    pub now: Timestamp,
    /// The id of the request.
    pub request_id: String,
    /// The key that makes the request idempotent, if the client sent one.
    pub idempotency_key: Option<IdempotencyKey>,
}
