//! The SDK's client, built from Lambda's environment variables: it looks up neither region nor credentials over
//! the network, and links no code that would.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::meter::Counting;
use crate::config::{DYNAMODB_ENDPOINT, SSL_CERT_FILE, SettingError, aws_endpoint};

/// Attempts of one call, including the first.
const ATTEMPTS: u32 = 5;
/// Longest wait before the second attempt; doubles with each attempt, with jitter. The SDK's default of a
/// second would be most of a request's time, and the most frequent cause is a connection that ended while the
/// function was frozen.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The roots of Amazon Trust Services, which sign for every endpoint of DynamoDB outside of China:
/// <https://www.amazontrust.com/repository/>. To read the system's hundred and more takes most of a start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// All attempts of one call together: a request makes two or three, in a function's 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes the client. `variable` looks up an environment variable: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and for another endpoint than the
/// region's `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`. Its server is verified against the roots of
/// Amazon; one that was set from outside, and any when `SSL_CERT_FILE` is set, against those of the
/// system.
pub fn client(variable: impl Fn(&str) -> Option<String>) -> Result<Client, SettingError> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let required = |name: &'static str| {
        variable(name).ok_or(SettingError {
            variable: name,
            problem: "must be set".to_owned(),
        })
    };
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_WAIT);
    let region = required("AWS_REGION")?;
    let endpoint = aws_endpoint(DYNAMODB_ENDPOINT, variable).map(|(_, endpoint)| endpoint);
    let certificates = variable(SSL_CERT_FILE);
    let trust = if is_of_amazon(&region, endpoint.as_deref(), certificates.as_deref()) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    };
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client(trust)?)
        .region(Region::new(region))
        .credentials_provider(credentials)
        .retry_config(retries)
        .timeout_config(timeouts)
        .interceptor(Counting);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}

/// Whether to use Amazon's roots. A server without TLS needs no roots, so the system's are not read;
/// `SSL_CERT_FILE` takes precedence.
fn is_of_amazon(region: &str, endpoint: Option<&str>, certificates: Option<&str>) -> bool {
    match (certificates, endpoint) {
        (Some(_), _) => false,
        (None, Some(endpoint)) => !endpoint.starts_with("https:"),
        (None, None) => !region.starts_with("cn-"),
    }
}

/// The SDK's own HTTP client with these roots.
fn http_client(trust: TrustStore) -> Result<SharedHttpClient, SettingError> {
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| SettingError {
        variable: SSL_CERT_FILE,
        problem: format!("the HTTP client cannot be made: {error}"),
    })?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build_https())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, TrustAnchor};

    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let error = client(|name| (name != "AWS_REGION").then(|| "x".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "AWS_REGION: must be set");
        let error = client(|_| Some(String::new())).unwrap_err();
        assert_eq!(error.to_string(), "AWS_ACCESS_KEY_ID: must be set");
    }

    #[test]
    fn amazons_roots_are_used_for_regions_outside_of_china() {
        let region = "eu-central-1";
        let (http, https) = ("http://127.0.0.1:8000", "https://dynamodb.example");
        assert!(is_of_amazon(region, None, None));
        assert!(!is_of_amazon("cn-north-1", None, None));
        assert!(is_of_amazon(region, Some(http), None));
        assert!(!is_of_amazon(region, Some(https), None));
        assert!(!is_of_amazon(region, None, Some("roots.pem")));
    }

    /// Fails when Mozilla stops trusting one of them.
    #[test]
    fn amazons_roots_are_among_mozillas() {
        let mut store = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
            store.add(root.unwrap()).unwrap();
        }
        assert_eq!(store.len(), 5);
        for root in &store.roots {
            let same = |known: &&TrustAnchor<'_>| {
                (&known.subject, &known.subject_public_key_info)
                    == (&root.subject, &root.subject_public_key_info)
            };
            assert!(
                webpki_roots::TLS_SERVER_ROOTS.iter().any(|it| same(&it)),
                "{root:?}"
            );
        }
    }
}
