use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use muster::store::requests::is_read_operation;

use crate::table_response::TableResponse;

/// The capacity units that DynamoDB charged, captured in the SDK.
#[derive(Clone, Debug, Default)]
pub struct Charges(Arc<Mutex<Units>>);

/// Read and write units, which have different prices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Units of operations that only read.
    pub read: f64,
    /// Units of all other operations.
    pub write: f64,
}

impl Charges {
    /// The units since the last call.
    pub fn take(&self) -> Units {
        std::mem::take(&mut *self.0.lock().unwrap())
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
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let units = TableResponse::of(context)?.units();
        let mut all = self.0.lock().unwrap();
        let operation = config.load::<Metadata>().map_or("", Metadata::name);
        if is_read_operation(operation) {
            all.read += units;
        } else {
            all.write += units;
        }
        Ok(())
    }
}
