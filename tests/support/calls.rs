use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use muster::store::requests::TableRequest;
use serde_json::Value;

/// Every request of a client, captured in the SDK.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<TableRequest>>>);

impl Calls {
    /// The requests since the last call, in order.
    pub fn take(&self) -> Vec<TableRequest> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The operations since the last call, in order.
    pub fn operations(&self) -> Vec<String> {
        self.take().into_iter().map(|call| call.operation).collect()
    }
}

/// Every string in a request that could be a key or part of one.
pub fn texts(request: &TableRequest) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Value::Object(members) => members.values().for_each(|item| collect(item, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    collect(&request.input, &mut texts);
    texts
}

/// Every partition key in a request, and every other string with the prefix of one, that belongs to
/// another tenant. A sort key means nothing outside its partition.
pub fn of_other_tenants(request: &TableRequest, tenant: &str) -> Vec<String> {
    fn collect(value: &Value, own: &str, texts: &mut Vec<String>) {
        match value {
            Value::String(text) if text.starts_with("TENANT#") && !text.starts_with(own) => {
                texts.push(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, own, texts)),
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| !name.ends_with("sk"))
                .for_each(|(_, item)| collect(item, own, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    collect(&request.input, &format!("TENANT#{tenant}#"), &mut texts);
    texts
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(TableRequest::of(context)?);
        Ok(())
    }
}
