//! The same function with a client of SQS: a message for each request.

#[path = "../client.rs"]
mod client;
#[path = "../read.rs"]
mod read;

use aws_sdk_sqs::config::{BehaviorVersion, Config};
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
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws.http.clone())
        .region(aws.region.clone())
        .credentials_provider(aws.credentials.clone());
    let queue = aws_sdk_sqs::Client::from_conf(config.build());
    let url = variable("WEBHOOK_QUEUE_URL")?;
    let (queue, url) = (&queue, url.as_str());
    let handle = move |request: Request| async move {
        queue
            .send_message()
            .queue_url(url)
            .message_body("{}")
            .send()
            .await?;
        get(client, table, &request).await
    };
    runtime.block_on(lambda_http::run(service_fn(handle)))
}
