//! Creates the same client as the real functions.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use lambda_http::Error;

const ROOTS: &[u8] = include_bytes!("../../../shared/src/amazon-roots.pem");

pub(crate) fn variable(name: &str) -> Result<String, Error> {
    Ok(std::env::var(name)?)
}

pub(crate) fn client() -> Result<Client, Error> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok();
    let elsewhere = endpoint
        .as_ref()
        .is_some_and(|url| url.starts_with("https:"));
    let trust = if elsewhere {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(ROOTS)
    };
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(TlsContext::builder().with_trust_store(trust).build()?)
        .build_https();
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        std::env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(credentials);
    config.set_endpoint_url(endpoint);
    Ok(Client::from_conf(config.build()))
}
