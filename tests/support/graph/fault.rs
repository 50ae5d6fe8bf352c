//! The faults of the local Entra directory.

use std::time::Duration;

use muster_local::entra::{Fault, GraphEndpoint};
use serde_json::{Map, json};

use super::object_id;

/// The header `request-id` of every fault.
const REQUEST_ID: &str = "7c1f-request";

/// A fault in place of the normal response.
#[derive(Clone, Debug)]
pub enum GraphFault {
    /// A status with an error in Graph's JSON, whose message has personal data.
    Error(u16, &'static str),
    /// The same with `Retry-After`.
    RetryAfter(u16, &'static str),
    /// 200 with any text.
    Text(&'static str),
    /// 200 with an empty page that links to this URL.
    Link(&'static str),
    /// No response.
    NoResponse,
    /// The normal response after a delay.
    Delay(Duration),
    /// The start of a response, then a broken connection.
    CutOff,
    /// The normal page without its last row, and with a link to a page that does not exist.
    Partial,
}

impl GraphFault {
    pub(super) fn on(self, endpoint: GraphEndpoint) -> Fault {
        let fault = Fault::on(endpoint);
        let error = |code: &str| {
            let message = format!("ada@acme.example ({}) may not", object_id("ada"));
            Some(json!({"error": {"code": code, "message": message}}))
        };
        let fault = match self {
            Self::Error(status, code) => Fault {
                status: Some(status),
                body: error(code),
                ..fault
            },
            Self::RetryAfter(status, wait) => Fault {
                status: Some(status),
                retry_after: Some(wait.into()),
                body: error("TooManyRequests"),
                ..fault
            },
            Self::Text(text) => Fault {
                body: Some(text.into()),
                ..fault
            },
            Self::Link(link) => Fault {
                body: Some(json!({"value": [], "@odata.nextLink": link})),
                ..fault
            },
            Self::NoResponse => Fault {
                delay_ms: 3_600_000,
                ..fault
            },
            Self::Delay(time) => Fault {
                delay_ms: time.as_millis().try_into().unwrap(),
                ..fault
            },
            Self::CutOff => Fault {
                cut_off: true,
                ..fault
            },
            Self::Partial => Fault {
                omit_rows: 1,
                set: Map::from_iter([("@odata.nextLink".to_owned(), "nowhere".into())]),
                ..fault
            },
        };
        Fault {
            headers: [("request-id".to_owned(), REQUEST_ID.to_owned())].into(),
            ..fault
        }
    }
}
