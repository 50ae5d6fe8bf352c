//! Emulates `PutEvents` of `EventBridge`. There are no rules: the entries are kept for the developer to see.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use muster::domain::Clock;
use serde_json::{Value, json};

use super::{ServiceError, ServiceFaults};

/// Entries that are kept.
const KEPT: usize = 1_000;
/// Entries of a call.
const MAX_ENTRIES: usize = 10;
/// Length of a detail type.
const MAX_DETAIL_TYPE: usize = 128;

/// The entries that were put on the buses.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    entries: Mutex<VecDeque<Value>>,
}

impl EventLog {
    /// Puts entries, as the body of `PutEvents` has them.
    pub(super) fn put(
        &self,
        entries: &[Value],
        faults: &ServiceFaults,
    ) -> Result<Value, ServiceError> {
        if entries.is_empty() || entries.len() > MAX_ENTRIES {
            let message = format!("Entries must have 1 to {MAX_ENTRIES} entries");
            return Err(ServiceError::new("ValidationException", message));
        }
        let mut failed = 0;
        let results = entries.iter().map(|entry| {
            match faults.entry("PutEvents", entry).or_else(|| problem(entry)) {
                None => json!({"EventId": self.keep(entry)}),
                Some(code) => {
                    failed += 1;
                    json!({"ErrorCode": code, "ErrorMessage": "rejected by the local stack"})
                }
            }
        });
        let results: Vec<_> = results.collect();
        Ok(json!({"FailedEntryCount": failed, "Entries": results}))
    }

    /// Keeps an entry, with its id and with its time as text.
    fn keep(&self, entry: &Value) -> String {
        let clock = Clock::system();
        let id = clock.new_id().to_string();
        let mut kept = entry.clone();
        let time = entry.get("Time").and_then(milliseconds);
        let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
        let time = time.map_or_else(|| clock.now().to_string(), |time| format!("{time:.3}"));
        if let Some(kept) = kept.as_object_mut() {
            kept.insert("EventId".to_owned(), json!(id));
            kept.insert("Time".to_owned(), json!(time));
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_front(kept);
        entries.truncate(KEPT);
        id
    }

    /// The entries, newest first.
    pub(super) fn entries(&self) -> Vec<Value> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().cloned().collect()
    }
}

/// The SDK sends the time in seconds with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float saturates, and such a time is rejected"
)]
fn milliseconds(seconds: &Value) -> Option<i64> {
    Some((seconds.as_f64()? * 1e3).round() as i64)
}

/// The error code of an entry that `EventBridge` rejects.
fn problem(entry: &Value) -> Option<String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("DetailType");
    let is_object =
        |detail: &str| serde_json::from_str::<Value>(detail).is_ok_and(|it| it.is_object());
    if text("Source").is_empty() || kind.is_empty() || kind.len() > MAX_DETAIL_TYPE {
        Some("InvalidArgument".to_owned())
    } else if is_object(text("Detail")) {
        None
    } else {
        Some("MalformedDetail".to_owned())
    }
}
