//! Reads one organization, without checks and logs.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, RequestExt as _, Response};
use serde_json::{Map, Value, json};

pub(crate) async fn get(
    client: &Client,
    table: &str,
    request: &Request,
) -> Result<Response<Body>, Error> {
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
