//! The application token for Graph: OAuth 2.0 client credentials.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::call::Calls;
use super::error::{Authority, TokenError};
use super::settings::{Credential, EntraConnection};
use muster::domain::Timestamp;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long before its expiry a token is renewed. If its lifetime is short, it is renewed after half of it.
const MARGIN: Duration = Duration::from_mins(5);

/// Gets tokens, and caches the valid one.
pub(crate) struct Tokens {
    calls: Calls,
    client: Client,
    endpoint: Url,
    client_id: String,
    /// The scope: everything that the application was granted in the Graph of this cloud.
    scope: String,
    credential: Credential,
    /// Locked while a token is requested, so that all callers wait for the same one.
    kept: Mutex<Option<Token>>,
}

/// An application token.
#[derive(Clone)]
pub(super) struct Token {
    /// `Bearer …`, marked as sensitive so that it is not printed.
    pub(super) header: HeaderValue,
    /// Uses the wall clock, because a monotonic clock may stop while Lambda keeps the function frozen.
    renew_at: Timestamp,
}

impl Tokens {
    pub(super) fn new(settings: &EntraConnection, calls: Calls, client: Client) -> Self {
        let root = settings.graph_endpoint.origin().ascii_serialization();
        Self {
            calls,
            client,
            endpoint: settings.token_endpoint.clone(),
            client_id: settings.client_id.clone(),
            scope: format!("{root}/.default"),
            credential: settings.credential.clone(),
            kept: Mutex::new(None),
        }
    }

    /// Returns a token that is probably valid.
    pub(super) async fn token(&self, deadline: Instant) -> Result<Token, TokenError> {
        let now = self.calls.clock().now();
        self.unless(|kept| now < kept.renew_at, deadline).await
    }

    /// Returns another token than the one that Graph refused.
    pub(super) async fn renewed(
        &self,
        refused: &Token,
        deadline: Instant,
    ) -> Result<Token, TokenError> {
        self.unless(|kept| kept.header != refused.header, deadline)
            .await
    }

    async fn unless(
        &self,
        is_good: impl Fn(&Token) -> bool,
        deadline: Instant,
    ) -> Result<Token, TokenError> {
        let locked = timeout_at(deadline, self.kept.lock()).await;
        let mut kept = locked.map_err(|_| TokenError::OutOfTime)?;
        if let Some(token) = kept.as_ref().filter(|token| is_good(token)) {
            return Ok(token.clone());
        }
        let token = self.get(deadline).await?;
        Ok(kept.insert(token).clone())
    }

    async fn get(&self, deadline: Instant) -> Result<Token, TokenError> {
        let authority = Authority::Entra;
        let nonsense = || TokenError::Nonsense { authority };
        let request = self.request(deadline).await?;
        let asked_at = self.calls.clock().now();
        let answer = self.calls.send(&request, deadline).await;
        let answer = answer.map_err(|error| TokenError::from_call(error, authority))?;
        if !answer.status.is_success() {
            return Err(TokenError::Refused {
                authority,
                refusal: answer.refusal(error_code(&answer.body)),
            });
        }
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
        let text = granted.access_token.expose_secret();
        if text.is_empty() {
            return Err(nonsense());
        }
        let mut header: HeaderValue = format!("Bearer {text}").parse().map_err(|_| nonsense())?;
        header.set_sensitive(true);
        let lives = Duration::from_secs(granted.seconds());
        Ok(Token {
            header,
            renew_at: asked_at.after(lives.saturating_sub(MARGIN.min(lives / 2))),
        })
    }

    async fn request(&self, deadline: Instant) -> Result<Request, TokenError> {
        let secret = match &self.credential {
            Credential::Secret(secret) => secret.clone(),
            Credential::SecretsManager(arn, access) => {
                access.client_secret(arn, &self.calls, deadline).await?
            }
            Credential::WebIdentity(access) => access.web_identity(&self.calls, deadline).await?,
        };
        let mut form = vec![
            ("client_id", self.client_id.as_str()),
            ("scope", &self.scope),
            ("grant_type", "client_credentials"),
        ];
        match &self.credential {
            Credential::Secret(_) | Credential::SecretsManager(..) => {
                form.push(("client_secret", secret.expose_secret()));
            }
            Credential::WebIdentity(_) => form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", secret.expose_secret()),
            ]),
        }
        let request = self.client.request(Method::POST, self.endpoint.clone());
        request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .form(&form)
            .build()
            .map_err(|_| TokenError::Nonsense {
                authority: Authority::Entra,
            })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("endpoint", &self.endpoint.as_str())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<Value>,
}

impl Granted {
    /// Returns the lifetime. The documentation has a number, some responses a string. An unknown lifetime counts as 0,
    /// so that the token is not cached.
    fn seconds(&self) -> u64 {
        match &self.expires_in {
            Some(Value::Number(seconds)) => seconds.as_u64(),
            Some(Value::String(seconds)) => seconds.parse().ok(),
            _ => None,
        }
        .unwrap_or_default()
    }
}

/// Reads `invalid_client AADSTS7000215` from an error of the token endpoint.
fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        #[serde(default)]
        error_codes: Vec<u32>,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    let numbers = body.error_codes.iter().take(3);
    let numbers = numbers.map(|number| format!(" AADSTS{number}"));
    Some(body.error + &numbers.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_entra_is_reduced_to_its_codes() {
        let body =
            br#"{"error": "invalid_client", "error_description": "AADSTS7000215: ada@x.example",
                        "error_codes": [7000215]}"#;
        assert_eq!(
            error_code(body).as_deref(),
            Some("invalid_client AADSTS7000215")
        );
        assert_eq!(error_code(b"<html>"), None);
    }

    #[test]
    fn lifetime_is_read_from_number_and_string() {
        for (body, seconds) in [
            (r#"{"access_token": "t", "expires_in": 3599}"#, 3599),
            (r#"{"access_token": "t", "expires_in": "3599"}"#, 3599),
            (r#"{"access_token": "t"}"#, 0),
            (r#"{"access_token": "t", "expires_in": -5}"#, 0),
        ] {
            let granted: Granted = serde_json::from_str(body).unwrap();
            assert_eq!(granted.seconds(), seconds);
        }
    }
}
