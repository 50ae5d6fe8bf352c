/// The key with which a client makes a request idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The method and path of the operation.
    pub route: String,
    /// The key sent by the client.
    pub key: String,
    /// A digest of the content. It differs if another request uses the same key.
    pub fingerprint: String,
}
