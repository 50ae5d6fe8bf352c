//! The message that is sent to an endpoint.

use muster::domain::{Timestamp, WebhookSecret};
use serde::Serialize;
use serde_json::value::RawValue;

use super::signature::signatures;

/// A message: the same with every attempt, so that a receiver recognizes a repeated one by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id of the event.
    id: String,
    body: String,
}

/// The body: the schema of `data` depends on the type only.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    data: &'a RawValue,
}

impl Message {
    /// Creates the message of an event: its id, type and time, and its record.
    pub fn new(
        id: impl Into<String>,
        r#type: &str,
        timestamp: Timestamp,
        data: &RawValue,
    ) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(&Body {
            r#type,
            timestamp,
            data,
        })?;
        Ok(Self {
            id: id.into(),
            body,
        })
    }

    /// Returns the JSON text of the body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the three headers of an attempt at this time.
    pub fn headers(
        &self,
        secrets: &[WebhookSecret],
        attempted_at: Timestamp,
    ) -> [(&'static str, String); 3] {
        let timestamp = attempted_at.as_second();
        [
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            (
                "webhook-signature",
                signatures(secrets, &self.id, timestamp, &self.body),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use muster::domain::WebhookSecret;

    use super::*;

    #[test]
    fn the_headers_are_of_the_attempt_and_the_body_of_the_event() {
        let occurred_at = "2026-11-28T02:43:00.123Z".parse().unwrap();
        let attempted_at = "2026-11-28T04:43:00.999Z".parse().unwrap();
        let record = RawValue::from_string(r#"{"id":"1","n":1.50}"#.to_owned()).unwrap();
        let message = Message::new("1", "team.created", occurred_at, &record).unwrap();
        assert_eq!(
            message.body(),
            r#"{"type":"team.created","timestamp":"2026-11-28T02:43:00.123Z","data":{"id":"1","n":1.50}}"#
        );
        let secret = WebhookSecret::from_bytes(vec![7; 24]).unwrap();
        let [id, timestamp, signature] =
            message.headers(std::slice::from_ref(&secret), attempted_at);
        assert_eq!(id, ("webhook-id", "1".to_owned()));
        assert_eq!(timestamp, ("webhook-timestamp", "1795840980".to_owned()));
        let expected = signatures(&[secret], "1", 1_795_840_980, message.body());
        assert_eq!(signature, ("webhook-signature", expected));
    }
}
