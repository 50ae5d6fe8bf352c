//! The same function with a resolver of DNS records: a look-up for each request.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use lambda_http::Error;
use muster_bare::client::Aws;
use muster_bare::serve::{Other, serve};

struct LookUp(TokioResolver);

impl Other for LookUp {
    fn new(_: &Aws) -> Result<Self, Error> {
        let provider = TokioRuntimeProvider::default();
        let resolver = TokioResolver::builder_with_config(ResolverConfig::default(), provider);
        Ok(Self(resolver.build()?))
    }

    async fn call(&self) -> Result<(), Error> {
        self.0.txt_lookup("example.com.").await?;
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    serve::<LookUp>()
}
