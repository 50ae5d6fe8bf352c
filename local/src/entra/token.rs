//! The token endpoint: client credentials with a secret, or with an assertion.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::domain::{Clock, Timestamp};
use serde_json::{Value, json};

use super::answer::{EntraRefusal, TokenRefusal};
use super::file::{Application, Directory};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The required audience of an assertion.
const ASSERTION_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The start of every access token.
pub const TOKEN_PREFIX: &str = "local-token-";

/// The issued access tokens.
pub(super) struct Tokens {
    clock: Clock,
    /// Each with its Entra tenant and its expiry.
    given: Mutex<BTreeMap<String, (String, Timestamp)>>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::system(),
            given: Mutex::default(),
        }
    }

    /// Handles a request for a token of an Entra tenant.
    pub(super) fn grant(
        &self,
        directory: Option<&Directory>,
        tenant: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<Value, TokenRefusal> {
        let Some(directory) = directory else {
            return Err(TokenRefusal::unknown_tenant(tenant));
        };
        let (application, seconds) = (&directory.application, directory.token_seconds);
        check(application, tenant, form)?;
        let now = self.clock.now();
        let token = format!(
            "{TOKEN_PREFIX}{}-{}",
            self.clock.new_id(),
            self.clock.new_id()
        );
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        // Kept for a while after expiry, so that the error can name the reason.
        given.retain(|_, (_, end)| now < end.after(Duration::from_hours(1)));
        let end = now.after(Duration::from_secs(seconds.into()));
        given.insert(token.clone(), (application.tenant.clone(), end));
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }))
    }

    /// Returns the Entra tenant of the token of a request to Graph. Fails if the token is not valid.
    pub(super) fn check(&self, authorization: Option<&str>) -> Result<String, EntraRefusal> {
        let refusal = |message: &str| {
            EntraRefusal::new(
                StatusCode::UNAUTHORIZED,
                "InvalidAuthenticationToken",
                message,
            )
        };
        let token = authorization
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return Err(refusal("Access token is empty."));
        };
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match given.get(token) {
            Some((tenant, end)) if self.clock.now() < *end => Ok(tenant.clone()),
            Some(_) => Err(refusal("Lifetime validation failed, the token is expired.")),
            None => Err(refusal(
                "CompactToken parsing failed with error code: 80049217",
            )),
        }
    }
}

fn check(
    application: &Application,
    tenant: &str,
    form: &BTreeMap<String, String>,
) -> Result<(), TokenRefusal> {
    let field = |name: &str| {
        form.get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    };
    let missing = |name: &str| {
        let what = format!("The request body must contain the following parameter: '{name}'.");
        refusal(400, "invalid_request", 900_144, what)
    };
    match field("grant_type") {
        Some("client_credentials") => {}
        None => return Err(missing("grant_type")),
        Some(_) => {
            let what = "The app requested an unsupported grant type.";
            return Err(refusal(400, "unsupported_grant_type", 70_003, what));
        }
    }
    let client_id = field("client_id").ok_or_else(|| missing("client_id"))?;
    if client_id != application.client_id {
        let what = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        );
        return Err(refusal(400, "unauthorized_client", 700_016, what));
    }
    let scope = field("scope").ok_or_else(|| missing("scope"))?;
    if !scope.ends_with("/.default") {
        let what = "The scope of client credentials must end in '/.default'.";
        return Err(refusal(400, "invalid_scope", 1_002_012, what));
    }
    match (field("client_secret"), field("client_assertion")) {
        (Some(secret), _) if secret == application.client_secret => Ok(()),
        (Some(_), _) => {
            let what = format!("Invalid client secret provided for app '{client_id}'.");
            Err(refusal(401, "invalid_client", 7_000_215, what))
        }
        (None, Some(assertion)) => check_assertion(field("client_assertion_type"), assertion),
        (None, None) => {
            let what = "The request body must contain the following parameter: \
                        'client_assertion' or 'client_secret'.";
            Err(refusal(401, "invalid_client", 7_000_218, what))
        }
    }
}

/// The signature is not checked: no AWS signs locally.
fn check_assertion(kind: Option<&str>, assertion: &str) -> Result<(), TokenRefusal> {
    if kind != Some(ASSERTION_TYPE) {
        let what = format!("The client_assertion_type must be '{ASSERTION_TYPE}'.");
        return Err(refusal(400, "invalid_request", 900_144, what));
    }
    let parts: Vec<&str> = assertion.split('.').collect();
    let claims = match parts[..] {
        [_, claims, _] => URL_SAFE_NO_PAD.decode(claims).ok(),
        _ => None,
    };
    let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let Some(claims) = claims else {
        let what = "The client assertion is not a valid JWT.";
        return Err(refusal(401, "invalid_client", 50_027, what));
    };
    let audience = claims.get("aud").unwrap_or(&Value::Null);
    let is_expected = |one: &Value| one.as_str() == Some(ASSERTION_AUDIENCE);
    if is_expected(audience)
        || audience
            .as_array()
            .is_some_and(|all| all.iter().any(is_expected))
    {
        Ok(())
    } else {
        let what = "No matching federated identity record found for the assertion's audience.";
        Err(refusal(401, "invalid_client", 700_212, what))
    }
}

fn refusal(
    status: u16,
    error: &'static str,
    number: u32,
    description: impl Into<String>,
) -> TokenRefusal {
    TokenRefusal {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
        error,
        number,
        description: description.into(),
    }
}
