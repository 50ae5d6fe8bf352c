//! Faults of the services, for tests.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;

use super::ServiceError;

/// A fault of a whole call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// Returns this status and error code.
    Error(u16, String),
    /// Never returns.
    Hang,
}

type OfCall = Arc<dyn Fn(&str) -> Option<CallFault> + Send + Sync>;
type OfEntry = Arc<dyn Fn(&str, &Value) -> Option<String> + Send + Sync>;

/// Faults of the event bus and the queues. The default has none.
#[derive(Clone, Default)]
pub struct ServiceFaults {
    /// Returns the fault of a call, by its operation: `PutEvents`.
    pub call: Option<OfCall>,
    /// Returns the error code of an entry of `PutEvents` or `SendMessageBatch`.
    pub entry: Option<OfEntry>,
}

impl ServiceFaults {
    pub(super) async fn call(&self, operation: &str) -> Result<(), ServiceError> {
        match self.call.as_ref().and_then(|call| call(operation)) {
            None => Ok(()),
            Some(CallFault::Hang) => std::future::pending().await,
            Some(CallFault::Error(status, code)) => Err(ServiceError {
                status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                message: "a fault of the test".to_owned(),
                code,
            }),
        }
    }

    pub(super) fn entry(&self, operation: &str, entry: &Value) -> Option<String> {
        self.entry.as_ref()?(operation, entry)
    }
}

impl fmt::Debug for ServiceFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServiceFaults")
    }
}
