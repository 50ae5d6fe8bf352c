//! What a client asks of DynamoDB, as it goes over the wire.

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::error::BoxError;
use serde_json::Value;

/// One request to DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRequest {
    /// `TransactWriteItems`, …
    pub operation: String,
    /// Its parameters.
    pub input: Value,
}

impl TableRequest {
    /// The request that an interceptor sees before it is sent.
    pub fn of(context: &BeforeTransmitInterceptorContextRef<'_>) -> Result<Self, BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (_, operation) = target.split_once('.').unwrap_or_default();
        Ok(Self {
            operation: operation.to_owned(),
            input: serde_json::from_slice(request.body().bytes().unwrap_or_default())?,
        })
    }
}
