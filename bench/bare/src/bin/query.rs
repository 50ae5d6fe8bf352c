//! The smallest function that lists 50 members: one `Query`, and the JSON of `list-members`. No
//! checks, no logs.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, RequestExt as _, Response, service_fn};
use muster_bare::client::{Aws, variable};
use serde::{Deserialize, Serialize};

/// The fields of a membership that `list-members` returns.
#[derive(Serialize, Deserialize)]
struct Member {
    tenant_id: String,
    organization_id: String,
    user_id: String,
    role: String,
    status: String,
    source: String,
    invited_by_user_id: Option<String>,
    spend: f64,
    budget_id: Option<String>,
    last_active_at: Option<String>,
    version: u64,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Member>,
    next_cursor: Option<String>,
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (client, table) = (Aws::read()?.dynamodb(), variable("TABLE_NAME")?);
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
    let page = Page {
        items: serde_dynamo::from_items(found.items.unwrap_or_default())?,
        next_cursor: None,
    };
    let body = serde_json::to_string(&page)?;
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(body.into())?)
}
