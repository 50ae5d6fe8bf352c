//! The token issuer emulates the user pool. Every client of this port gets tokens, so it runs only
//! on a developer's machine.

mod endpoint;
mod key;
mod trigger;

use anyhow::{Context as _, Result};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use muster::domain::Clock;
use serde_json::{Map, Value, json};

pub(crate) use endpoint::{TokenEndpoint, jwks, openid_configuration, token};
pub(crate) use key::signing_key;

/// The value of `aud` and `client_id`, which the authorizer requires.
pub const AUDIENCE: &str = "muster-local";
/// The lifetime of a token, in seconds.
pub const EXPIRES_IN: i64 = 3600;

/// The identity in a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `sub`.
    pub user_id: String,
    /// `tenant_id`.
    pub tenant_id: String,
    /// `cognito:groups`; omitted when empty, as in Cognito.
    pub groups: Vec<String>,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`; `None`: an email address is verified.
    pub email_verified: Option<bool>,
}

impl Identity {
    fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), json!(self.user_id));
        claims.insert("tenant_id".to_owned(), json!(self.tenant_id));
        if !self.groups.is_empty() {
            claims.insert("cognito:groups".to_owned(), json!(self.groups));
        }
        if let Some(email) = &self.email {
            claims.insert("email".to_owned(), json!(email));
            claims.insert("email_verified".to_owned(), json!(self.is_verified()));
        }
        claims
    }

    fn is_verified(&self) -> bool {
        self.email_verified.unwrap_or(true)
    }
}

/// Issues tokens that the authorizer accepts.
pub struct Issuer {
    url: String,
    key: EncodingKey,
    public: Jwk,
    clock: Clock,
}

impl Issuer {
    /// An issuer at this address, signing with this key.
    pub(crate) fn new(url: String, key: EncodingKey) -> Result<Self> {
        let public = Jwk::from_encoding_key(&key, Algorithm::RS256);
        let mut public = public.context("the issuer's key is not an RSA key")?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        // jsonwebtoken uses the machine's clock, so tokens are issued by it too.
        let clock = Clock::system();
        Ok(Self {
            url,
            key,
            public,
            clock,
        })
    }

    /// The value of `iss`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Id of the signing key.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.public.common.key_id.as_deref()
    }

    /// The verifying key.
    pub(crate) fn verifying_key(&self) -> Result<DecodingKey> {
        Ok(DecodingKey::from_jwk(&self.public)?)
    }

    /// The verifying key as published.
    pub(crate) fn key_set(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.public.clone()],
        }
    }

    /// An access token for this identity, without the claims of the pre-token trigger.
    pub fn token(&self, identity: &Identity) -> Result<String> {
        self.token_with(identity.claims())
    }

    /// An access token with these claims in addition to the default ones (`iss`, `aud`,
    /// `client_id`, `token_use`, `iat`, `exp`, `jti`); `null` omits a claim.
    pub fn token_with(&self, claims: Map<String, Value>) -> Result<String> {
        let now = self.clock.now().as_second();
        let mut all = Map::from_iter([
            ("iss".to_owned(), json!(self.url)),
            ("aud".to_owned(), json!(AUDIENCE)),
            ("client_id".to_owned(), json!(AUDIENCE)),
            ("token_use".to_owned(), json!("access")),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now + EXPIRES_IN)),
            ("jti".to_owned(), json!(self.clock.new_id().to_string())),
        ]);
        all.extend(claims);
        all.retain(|_, value| !value.is_null());
        let header = Header {
            kid: self.key_id().map(str::to_owned),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, &all, &self.key).context("a token cannot be signed")
    }
}
