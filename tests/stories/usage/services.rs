//! The calls to the bus, to queues and to SES, and the bytes that are charged for each.

use std::sync::{Arc, Mutex};

use muster_local::{Options, ServiceFaults};
use serde_json::Value;

/// Bytes that `EventBridge` counts for the time of an event.
const TIME_BYTES: usize = 14;

/// A call to the bus, to a queue or to SES, with the bytes of each of its entries.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: String,
    pub(super) entries: Vec<(usize, Value)>,
}

/// The calls to the bus, to queues and to SES.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceCalls(Arc<Mutex<Vec<Call>>>);

impl ServiceCalls {
    /// Options of a stack whose calls are kept here.
    pub(super) fn collect(&self, options: Options) -> Options {
        let (calls, entries) = (self.clone(), self.clone());
        let call = move |operation: &str| {
            calls.0.lock().unwrap().push(Call {
                operation: operation.to_owned(),
                entries: Vec::new(),
            });
            None
        };
        let entry = move |_: &str, entry: &Value| {
            let mut calls = entries.0.lock().unwrap();
            let call = calls.last_mut().unwrap();
            call.entries.push((entry_bytes(entry), entry.clone()));
            None
        };
        Options {
            service_faults: ServiceFaults {
                call: Some(Arc::new(call)),
                entry: Some(Arc::new(entry)),
            },
            ..options
        }
    }

    pub(super) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The bytes of an entry that are charged.
fn entry_bytes(entry: &Value) -> usize {
    if let Some(body) = entry["MessageBody"].as_str() {
        return body.len();
    }
    let texts = ["Source", "DetailType", "Detail"].map(|name| entry[name].as_str().unwrap().len());
    texts.into_iter().sum::<usize>() + TIME_BYTES
}
