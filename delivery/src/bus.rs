//! Puts events on an `EventBridge` bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use muster::config::SettingError;
use tokio::time::Instant;

use crate::PublishedEvent;
use crate::batch::{BatchReport, CallError, Delivery, deliver};
use crate::client::{config, required};

/// The variable with the name of the bus.
const EVENT_BUS_NAME: &str = "EVENT_BUS_NAME";
/// The variable with the endpoint of `EventBridge`.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_EVENTBRIDGE";
/// `Source` of all events.
pub const SOURCE: &str = "muster";
/// `EventBridge` counts 14 bytes for the time of an entry.
const TIME_BYTES: usize = 14;

/// A bus.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// The bus that `EVENT_BUS_NAME` names. Makes no call.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let name = required(EVENT_BUS_NAME, &variable)?;
        let client = Client::new(&config(ENDPOINT, variable)?);
        Ok(Self { client, name })
    }

    /// Puts events on the bus until the deadline. Retries events that the bus did not take for a passing reason.
    pub async fn put(&self, events: &[PublishedEvent], deadline: Instant) -> BatchReport {
        deliver(events, size, deadline, |batch| self.put_batch(batch)).await
    }

    async fn put_batch(&self, batch: Vec<&PublishedEvent>) -> Result<Vec<Delivery>, CallError> {
        let entries = batch.iter().map(|event| self.entry(event)).collect();
        let answer = self.client.put_events().set_entries(Some(entries)).send();
        let answer = answer.await.map_err(|error| CallError::new(&error))?;
        // In the order of the request.
        let mut deliveries: Vec<_> = answer.entries().iter().map(delivery).collect();
        let missing = || Delivery::Failed("NoResult".to_owned());
        deliveries.resize_with(batch.len(), missing);
        Ok(deliveries)
    }

    fn entry(&self, published: &PublishedEvent) -> PutEventsRequestEntry {
        let PublishedEvent { event, detail } = published;
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.event_type.as_str())
            .detail(detail)
            .time(DateTime::from_millis(event.occurred_at.as_millisecond()))
            .build()
    }
}

/// The size of an entry as `EventBridge` counts it.
fn size(published: &PublishedEvent) -> usize {
    let detail_type = published.event.event_type.as_str();
    TIME_BYTES + SOURCE.len() + detail_type.len() + published.detail.len()
}

fn delivery(result: &PutEventsResultEntry) -> Delivery {
    match result.error_code() {
        None => Delivery::Delivered,
        // The only codes of an entry that may pass by themselves.
        Some(code @ ("InternalFailure" | "InternalException" | "ThrottlingException")) => {
            Delivery::Failed(code.to_owned())
        }
        Some(code) => Delivery::Rejected(code.to_owned()),
    }
}
