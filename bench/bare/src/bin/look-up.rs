//! The same function with a resolver of DNS records: a look-up for each request.

#[path = "../client.rs"]
mod client;
#[path = "../read.rs"]
mod read;

use client::{Aws, variable};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use lambda_http::{Error, Request, service_fn};
use read::get;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let aws = Aws::read()?;
    let (client, table) = (aws.dynamodb(), variable("TABLE_NAME")?);
    let (client, table) = (&client, table.as_str());
    let resolver = TokioResolver::builder_with_config(
        ResolverConfig::default(),
        TokioRuntimeProvider::default(),
    );
    let resolver = &resolver.build()?;
    let handle = move |request: Request| async move {
        resolver.txt_lookup("example.com.").await?;
        get(client, table, &request).await
    };
    runtime.block_on(lambda_http::run(service_fn(handle)))
}
