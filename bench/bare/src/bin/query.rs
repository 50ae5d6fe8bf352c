//! The least that a function can be that lists 50 members: one `Query`, and the same JSON as `list-members`.
//! It checks nothing and logs nothing.

#[path = "../client.rs"]
mod client;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use client::{client, variable};
use lambda_http::{Body, Error, Request, RequestExt as _, Response, service_fn};
use serde_json::{Map, Value, json};

/// The fields of a membership, in the order of `list-members`.
const FIELDS: [&str; 13] = [
    "tenant_id",
    "organization_id",
    "user_id",
    "role",
    "status",
    "source",
    "invited_by_user_id",
    "spend",
    "budget_id",
    "last_active_at",
    "version",
    "created_at",
    "updated_at",
];

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (client, table) = (client()?, variable("TABLE_NAME")?);
    let (client, table) = (&client, table.as_str());
    runtime.block_on(lambda_http::run(service_fn(
        move |request: Request| async move { list(client, table, &request).await },
    )))
}

async fn list(client: &Client, table: &str, request: &Request) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let id = parameters.first("organization_id").unwrap_or_default();
    let partition = AttributeValue::S(format!("TENANT#acme#ORG#{id}"));
    let found = client
        .query()
        .table_name(table)
        .index_name("gsi1")
        .key_condition_expression("gsi1pk = :pk AND begins_with(gsi1sk, :start)")
        .expression_attribute_values(":pk", partition)
        .expression_attribute_values(":start", AttributeValue::S("USER#".to_owned()))
        .limit(50)
        .send()
        .await?;
    let items = found.items().iter().map(|item| {
        let fields = FIELDS.iter().map(|name| {
            let value = match item.get(*name) {
                Some(AttributeValue::S(text)) => json!(text),
                Some(AttributeValue::N(number)) => json!(number.parse::<f64>().ok()),
                _ => Value::Null,
            };
            ((*name).to_owned(), value)
        });
        Value::Object(fields.collect::<Map<_, _>>())
    });
    let items: Vec<_> = items.collect();
    let body = json!({"items": items, "next_cursor": null}).to_string();
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(body.into())?)
}
