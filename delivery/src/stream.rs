//! Reads the events out of a batch of the table's stream.

use muster::domain::Event;
use muster::store::event_of;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// A record of the stream that inserts an event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// The number of the record, by which Lambda knows it.
    pub sequence_number: String,
    /// The key of the item.
    pub keys: Value,
    /// The event.
    pub event: Result<PublishedEvent, UnreadableEvent>,
}

/// An event as it is published.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedEvent {
    /// The event, with its personal details.
    pub event: Event,
    /// The same as JSON.
    pub detail: String,
}

/// An item that has the attributes of an event and cannot be read. Names no content, which may be personal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the record or its personal details cannot be read: line {line}, column {column}")]
pub struct UnreadableEvent {
    line: usize,
    column: usize,
}

/// A batch that does not come from a stream of DynamoDB.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a batch of records of a DynamoDB stream")]
pub struct ForeignBatch;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Deserialize)]
struct StreamRecord {
    #[serde(rename = "eventName")]
    event_name: String,
    dynamodb: StreamChange,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamChange {
    sequence_number: String,
    keys: Value,
    #[serde(default)]
    new_image: Value,
}

/// Returns the records that insert an event, in their order. Ignores all others.
pub fn read(batch: &Value) -> Result<Vec<EventRecord>, ForeignBatch> {
    let batch = Batch::deserialize(batch).map_err(|_| ForeignBatch)?;
    Ok(batch.records.into_iter().filter_map(event_record).collect())
}

fn event_record(record: StreamRecord) -> Option<EventRecord> {
    let text = |name: &str| record.dynamodb.new_image.get(name)?.get("S")?.as_str();
    let stored = text("record").filter(|_| record.event_name == "INSERT")?;
    let event = published(stored, text("personal"));
    Some(EventRecord {
        event,
        sequence_number: record.dynamodb.sequence_number,
        keys: record.dynamodb.keys,
    })
}

fn published(record: &str, personal: Option<&str>) -> Result<PublishedEvent, UnreadableEvent> {
    let unreadable = |error: serde_json::Error| UnreadableEvent {
        line: error.line(),
        column: error.column(),
    };
    let event = event_of(record, personal).map_err(unreadable)?;
    let detail = serde_json::to_string(&event).map_err(unreadable)?;
    Ok(PublishedEvent { event, detail })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RECORD: &str = r#"{"id":"01938f2e-5c2b-7a08-9b0c-1d2e3f405162","type":"membership.added","tenant_id":"acme","organization_id":"01938f00-0000-7000-8000-000000000001","occurred_at":"2026-11-28T02:43:00.123Z","actor":{"type":"user","id":"ada"},"targets":[{"type":"user","id":"bob"},{"type":"organization","id":"bob","name":"Rockets"}],"changes":{},"context":{"request_id":"r1","operation":"addMember"},"resource_version":1}"#;

    fn record(sequence_number: &str, event_name: &str, image: Value) -> Value {
        json!({"eventName": event_name, "dynamodb": {
            "SequenceNumber": sequence_number,
            "Keys": {"pk": {"S": "p"}, "sk": {"S": "s"}},
            "NewImage": image,
        }})
    }

    fn events(records: Value) -> Vec<EventRecord> {
        read(&json!({"Records": records})).unwrap()
    }

    #[test]
    fn an_event_is_published_with_its_personal_details() {
        let personal = r#"{"actor_name":"Ada","names":{"bob":"Bob"},"source_ip":"203.0.113.5"}"#;
        let image = json!({"record": {"S": RECORD}, "personal": {"S": personal}});
        let all = events(json!([record("7", "INSERT", image)]));
        let event = all[0].event.clone().unwrap();
        assert_eq!(all[0].sequence_number, "7");
        assert_eq!(event.event.event_type.as_str(), "membership.added");
        let mut expected: Value = serde_json::from_str(RECORD).unwrap();
        expected["actor"]["name"] = json!("Ada");
        expected["targets"][0]["name"] = json!("Bob");
        expected["context"]["source_ip"] = json!("203.0.113.5");
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        assert_eq!(detail, expected);
    }

    #[test]
    fn only_inserted_events_are_published() {
        let image = json!({"record": {"S": RECORD}});
        let all = events(json!([
            record("1", "INSERT", json!({"name": {"S": "Rockets"}})),
            record("2", "MODIFY", image.clone()),
            record("3", "REMOVE", Value::Null),
            record("4", "INSERT", json!({"record": {"N": "1"}})),
            record("5", "INSERT", image),
        ]));
        let numbers: Vec<_> = all.iter().map(|it| it.sequence_number.as_str()).collect();
        assert_eq!(numbers, ["5"]);
    }

    #[test]
    fn an_unreadable_event_is_reported_without_its_content() {
        for (record_text, personal, expected) in [
            (
                "Ada",
                None,
                "the record or its personal details cannot be read: line 1, column 1",
            ),
            (
                "{}",
                None,
                "the record or its personal details cannot be read: line 1, column 2",
            ),
            (
                "[1]",
                None,
                "the record or its personal details cannot be read: line 1, column 2",
            ),
            (
                RECORD,
                Some("Ada"),
                "the record or its personal details cannot be read: line 1, column 1",
            ),
        ] {
            let mut image = json!({"record": {"S": record_text}});
            if let Some(personal) = personal {
                image["personal"] = json!({"S": personal});
            }
            let all = events(json!([record("1", "INSERT", image)]));
            let error = all[0].event.clone().unwrap_err().to_string();
            assert_eq!(error, expected, "{record_text}");
        }
    }

    #[test]
    fn a_foreign_batch_is_an_error() {
        for batch in [json!({}), json!({"Records": [{}]}), json!(null)] {
            assert_eq!(read(&batch), Err(ForeignBatch), "{batch}");
        }
    }
}
