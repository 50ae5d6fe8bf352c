use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use serde_json::Value;

/// The capacity units that DynamoDB charged, captured in the SDK.
#[derive(Clone, Debug, Default)]
pub struct Charges(Arc<Mutex<Units>>);

/// Read and write units, which have different prices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Units of `GetItem`, `BatchGetItem` and `Query`.
    pub read: f64,
    /// Units of all other operations; in a transaction a condition check is charged as a write.
    pub write: f64,
}

impl Charges {
    /// The units since the last call.
    pub fn take(&self) -> Units {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The consumed units of a response, in all tables and indexes.
fn consumed(answer: &Value) -> f64 {
    let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

impl Intercept for Charges {
    fn name(&self) -> &'static str {
        "Charges"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        let reads = output.downcast_ref::<GetItemOutput>().is_some()
            || output.downcast_ref::<BatchGetItemOutput>().is_some()
            || output.downcast_ref::<QueryOutput>().is_some();
        let body = context.response().body().bytes().unwrap_or_default();
        let units = consumed(&serde_json::from_slice(body)?);
        let mut all = self.0.lock().unwrap();
        if reads {
            all.read += units;
        } else {
            all.write += units;
        }
        Ok(())
    }
}
