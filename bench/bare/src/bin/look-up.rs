//! The same function with a resolver of DNS records: a look-up for each request.

#[path = "../client.rs"]
mod client;
#[path = "../serve.rs"]
mod serve;

use client::Aws;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use lambda_http::Error;
use serve::{Other, serve};

impl Other for TokioResolver {
    fn new(_: &Aws) -> Result<Self, Error> {
        let provider = TokioRuntimeProvider::default();
        Ok(Self::builder_with_config(ResolverConfig::default(), provider).build()?)
    }

    async fn call(&self) -> Result<(), Error> {
        self.txt_lookup("example.com.").await?;
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    serve::<TokioResolver>()
}
