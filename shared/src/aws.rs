//! Builds what every SDK client needs from Lambda's environment variables. It looks up neither region nor credentials
//! over the network, and links no code that does.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::SharedHttpClient;

use crate::config::{SSL_CERT_FILE, SettingError, aws_endpoint};

/// Root certificates of Amazon Trust Services, which signs for every endpoint of AWS outside of China:
/// <https://www.amazontrust.com/repository/>. Reading the more than one hundred root certificates of the system
/// would take most of the start time.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Builds the settings of an SDK client. `endpoint` is the variable of the service's endpoint, such as
/// `AWS_ENDPOINT_URL_DYNAMODB`. `variable` looks up an environment variable: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and the one of the endpoint or `AWS_ENDPOINT_URL` to override the
/// endpoint of the region. Verifies the endpoint of the region with Amazon's root certificates. Uses those of the
/// system for an overridden endpoint, or if `SSL_CERT_FILE` is set. Has no retries and no timeouts.
pub fn sdk_config(
    endpoint: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<SdkConfig, SettingError> {
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
    let region = required("AWS_REGION")?;
    let endpoint = aws_endpoint(endpoint, variable).map(|(_, endpoint)| endpoint);
    let certificates = variable(SSL_CERT_FILE);
    let trust = if is_of_amazon(&region, endpoint.as_deref(), certificates.as_deref()) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    };
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client(trust)?)
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    config.set_endpoint_url(endpoint);
    Ok(config.build())
}

/// Returns whether to use Amazon's root certificates. A server without TLS needs none, so those of the system
/// are not read. `SSL_CERT_FILE` takes precedence.
fn is_of_amazon(region: &str, endpoint: Option<&str>, certificates: Option<&str>) -> bool {
    match (certificates, endpoint) {
        (Some(_), _) => false,
        (None, Some(endpoint)) => !endpoint.starts_with("https:"),
        (None, None) => !region.starts_with("cn-"),
    }
}

/// Builds the SDK's HTTP client with these root certificates.
fn http_client(trust: TrustStore) -> Result<SharedHttpClient, SettingError> {
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(SettingError::no_client)?;
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
    fn amazons_roots_are_used_for_regions_outside_of_china() {
        let region = "eu-central-1";
        let (http, https) = ("http://127.0.0.1:8000", "https://dynamodb.example");
        assert!(is_of_amazon(region, None, None));
        assert!(!is_of_amazon("cn-north-1", None, None));
        assert!(is_of_amazon(region, Some(http), None));
        assert!(!is_of_amazon(region, Some(https), None));
        assert!(!is_of_amazon(region, None, Some("roots.pem")));
    }

    /// Fails if Mozilla stops trusting one of them.
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
