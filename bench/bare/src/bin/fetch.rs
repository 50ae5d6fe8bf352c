//! The same function with an HTTP client as the real functions have it for other services: a fetch for each request.

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
    let http = &reqwest::Client::builder().build()?;
    let url = std::env::var("FETCHED_URL").unwrap_or_default();
    let url = url.as_str();
    let handle = move |request: Request| async move {
        http.get(url)
            .send()
            .await?
            .json::<serde_json::Value>()
            .await?;
        get(client, table, &request).await
    };
    runtime.block_on(lambda_http::run(service_fn(handle)))
}
