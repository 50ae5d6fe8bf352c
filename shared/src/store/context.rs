use crate::domain::{Caller, IdempotencyKey, Origin, Timestamp};

/// The caller of an operation, its time and its request. The first parameter of every operation that acts for a
/// caller.
#[derive(Clone, Debug)]
pub struct Context {
    /// The caller.
    pub caller: Caller,
    /// When the request arrived.
    pub now: Timestamp,
    /// The caller and the request, as the events of its changes record them.
    pub origin: Origin,
    /// The idempotency key, if the client sent one.
    pub idempotency_key: Option<IdempotencyKey>,
}
