//! The HTTP client, as the real functions have it for other services: with root certificates that are part of the
//! program.

use std::sync::Arc;

use lambda_http::Error;
use reqwest::Client;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::client::Aws;
use crate::serve::Other;

/// Fetches a page for each request.
pub struct Fetch(Client);

impl Other for Fetch {
    fn new(_: &Aws) -> Result<Self, Error> {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder().no_proxy().tls_backend_preconfigured(tls);
        Ok(Self(client.build()?))
    }

    async fn call(&self) -> Result<(), Error> {
        let response = self.0.get("https://graph.microsoft.com").send().await?;
        response.json::<Value>().await?;
        Ok(())
    }
}
