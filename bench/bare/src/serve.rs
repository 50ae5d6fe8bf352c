//! A function that reads one organization, without checks and logs, and calls another service before.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, RequestExt as _, Response, service_fn};
use serde_json::{Map, Value, json};

use crate::client::{Aws, variable};

/// A client of another service, which each request calls.
pub trait Other: Sized + Sync {
    /// Makes the client.
    fn new(aws: &Aws) -> Result<Self, Error>;

    /// Calls the service once.
    fn call(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

impl Other for () {
    fn new(_: &Aws) -> Result<Self, Error> {
        Ok(())
    }

    async fn call(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl<A: Other, B: Other> Other for (A, B) {
    fn new(aws: &Aws) -> Result<Self, Error> {
        Ok((A::new(aws)?, B::new(aws)?))
    }

    async fn call(&self) -> Result<(), Error> {
        self.0.call().await?;
        self.1.call().await
    }
}

/// Makes the clients, and answers requests until the process ends.
pub fn serve<O: Other>() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let aws = Aws::read()?;
    let (dynamodb, table) = (&aws.dynamodb(), variable("TABLE_NAME")?);
    let (other, table) = (&O::new(&aws)?, table.as_str());
    let handle = move |request: Request| async move {
        other.call().await?;
        get(dynamodb, table, &request).await
    };
    runtime.block_on(lambda_http::run(service_fn(handle)))
}

async fn get(client: &Client, table: &str, request: &Request) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let id = parameters.first("organization_id").unwrap_or_default();
    let key = AttributeValue::S(format!("TENANT#acme#ORG#{id}"));
    let found = client
        .get_item()
        .table_name(table)
        .key("pk", key)
        .key("sk", AttributeValue::S("ORG".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let Some(item) = found.item else {
        return Ok(Response::builder().status(404).body(Body::Empty)?);
    };
    let texts = item.into_iter().filter_map(|(name, value)| match value {
        AttributeValue::S(text) => Some((name, json!(text))),
        _ => None,
    });
    let body = Value::Object(texts.collect::<Map<_, _>>()).to_string();
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(body.into())?)
}
