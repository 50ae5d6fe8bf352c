//! Creates the same clients as the real functions.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use lambda_http::Error;

const ROOTS: &[u8] = include_bytes!("../../../shared/src/amazon-roots.pem");

/// Returns an environment variable.
pub fn variable(name: &str) -> Result<String, Error> {
    Ok(std::env::var(name)?)
}

/// Configuration shared by all AWS clients.
pub struct Aws {
    /// The HTTP client.
    pub http: SharedHttpClient,
    /// The region.
    pub region: Region,
    /// The credentials.
    pub credentials: Credentials,
}

impl Aws {
    /// Reads the settings from the environment.
    pub fn read() -> Result<Self, Error> {
        let elsewhere = dynamodb_endpoint().is_some_and(|url| url.starts_with("https:"));
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
        Ok(Self {
            http,
            region: Region::new(variable("AWS_REGION")?),
            credentials,
        })
    }

    /// Makes the client of DynamoDB.
    pub fn dynamodb(&self) -> Client {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(self.region.clone())
            .credentials_provider(self.credentials.clone());
        config.set_endpoint_url(dynamodb_endpoint());
        Client::from_conf(config.build())
    }
}

fn dynamodb_endpoint() -> Option<String> {
    std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok()
}
