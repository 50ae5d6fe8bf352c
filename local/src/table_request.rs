//! A request to DynamoDB as sent, for the local stack and the stories.

use aws_sdk_dynamodb::config::http::HttpRequest;
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
    /// Decodes the header `X-Amz-Target` and the body.
    pub fn parse(target: &str, body: &[u8]) -> serde_json::Result<Self> {
        let (_, operation) = target.split_once('.').unwrap_or_default();
        Ok(Self {
            operation: operation.to_owned(),
            input: serde_json::from_slice(body)?,
        })
    }

    /// The request that an HTTP client of the SDK sends.
    pub fn of_http(request: &HttpRequest) -> serde_json::Result<Self> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        Self::parse(target, request.body().bytes().unwrap_or_default())
    }

    /// The request that an interceptor sees before it is sent.
    pub fn of(context: &BeforeTransmitInterceptorContextRef<'_>) -> Result<Self, BoxError> {
        Ok(Self::of_http(context.request())?)
    }

    /// The body.
    pub fn to_body(&self) -> Vec<u8> {
        self.input.to_string().into_bytes()
    }
}

/// Whether an operation only reads. In a transaction, a condition check is charged as a write.
pub fn is_read(operation: &str) -> bool {
    ["BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"].contains(&operation)
}
