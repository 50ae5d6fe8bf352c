//! The HTTP client, as the real functions have it for other services.

use lambda_http::Error;
use reqwest::Client;
use serde_json::Value;

use crate::client::Aws;
use crate::serve::Other;

/// Fetches a page for each request.
pub struct Fetch(Client);

impl Other for Fetch {
    fn new(_: &Aws) -> Result<Self, Error> {
        Ok(Self(Client::builder().build()?))
    }

    async fn call(&self) -> Result<(), Error> {
        let response = self.0.get("https://graph.microsoft.com").send().await?;
        response.json::<Value>().await?;
        Ok(())
    }
}
