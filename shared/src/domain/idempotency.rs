/// The key with which a client makes a request idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Method and path of the operation.
    pub route: String,
    /// The key, as the client sent it.
    pub key: String,
    /// A digest of the content, which differs from that of another request with the same key.
    pub fingerprint: String,
}
