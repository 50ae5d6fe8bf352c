//! The messages of a queue, as an event source mapping passes them to a function.

use serde::Deserialize;

/// A batch of messages.
#[derive(Deserialize)]
pub(crate) struct Batch {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Message>,
}

/// A message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// The id that the function returns for a message that failed.
    pub(crate) message_id: String,
    pub(crate) body: String,
}
