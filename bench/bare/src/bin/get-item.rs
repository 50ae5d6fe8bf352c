//! The smallest function behind API Gateway that reads DynamoDB: one `GetItem` of an organization,
//! with the client of the real functions. No checks, no logs.

#[path = "../client.rs"]
mod client;
#[path = "../read.rs"]
mod read;

use client::{Aws, variable};
use lambda_http::{Error, Request, service_fn};
use read::get;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let aws = Aws::read()?;
    let (client, table) = (aws.dynamodb(), variable("TABLE_NAME")?);
    let (client, table) = (&client, table.as_str());
    let handle = move |request: Request| async move { get(client, table, &request).await };
    runtime.block_on(lambda_http::run(service_fn(handle)))
}
