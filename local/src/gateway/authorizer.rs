//! Emulates the JWT authorizer: RS256 with the issuer's key, issuer, audience and times.

use anyhow::{Context as _, Result};
use axum::http::{HeaderMap, header};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use muster::domain::Clock;
use serde_json::{Map, Value};

use crate::issuer::{AUDIENCE, Issuer};

/// Accepts a request, or returns the reason why not.
#[derive(Debug)]
pub(crate) struct Authorizer {
    key_id: String,
    key: DecodingKey,
    validation: Validation,
    clock: Clock,
}

/// Why a request is rejected. No reason contains a part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRejection {
    /// Without a token.
    Missing,
    /// An invalid token, with the reason.
    Invalid(&'static str),
}

impl Authorizer {
    /// An authorizer for this issuer's tokens.
    pub(crate) fn new(issuer: &Issuer) -> Result<Self> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        // The audience may also be in `client_id`, which the library does not support.
        validation.validate_aud = false;
        validation.set_issuer(&[issuer.url()]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        Ok(Self {
            key_id: issuer
                .key_id()
                .context("the issuer's key has no id")?
                .to_owned(),
            key: issuer.verifying_key()?,
            validation,
            clock: Clock::system(),
        })
    }

    /// The claims of the request's token.
    pub(crate) fn claims(&self, headers: &HeaderMap) -> Result<Map<String, Value>, TokenRejection> {
        let value = headers
            .get(header::AUTHORIZATION)
            .ok_or(TokenRejection::Missing)?;
        let value = value
            .to_str()
            .map_err(|_| TokenRejection::Invalid("the token is not ASCII text"))?;
        // API Gateway accepts the token with and without the scheme.
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => value.trim(),
        };
        if token.is_empty() {
            return Err(TokenRejection::Missing);
        }
        self.verify(token)
    }

    fn verify(&self, token: &str) -> Result<Map<String, Value>, TokenRejection> {
        let unreadable = "the token is not a JWT signed with RS256";
        let head = decode_header(token).map_err(|_| TokenRejection::Invalid(unreadable))?;
        if head.alg == Algorithm::RS256 && head.kid.as_deref() != Some(self.key_id.as_str()) {
            return Err(TokenRejection::Invalid(
                "the token is signed with a key the issuer does not have",
            ));
        }
        let claims: Map<String, Value> = decode(token, &self.key, &self.validation)
            .map_err(|error| {
                TokenRejection::Invalid(match error.kind() {
                    ErrorKind::ExpiredSignature => "the token has expired",
                    ErrorKind::ImmatureSignature => "the token is not valid yet",
                    ErrorKind::InvalidIssuer => "the token is from another issuer",
                    ErrorKind::InvalidSignature => "the token's signature is wrong",
                    ErrorKind::MissingRequiredClaim(_) => "the token lacks exp or iss",
                    _ => unreadable,
                })
            })?
            .claims;
        // `client_id` counts only without `aud`.
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        let for_us = match audience {
            Some(Value::String(audience)) => audience == AUDIENCE,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == AUDIENCE),
            _ => false,
        };
        if !for_us {
            return Err(TokenRejection::Invalid("the token is for another audience"));
        }
        let issued = claims.get("iat").and_then(Value::as_f64);
        #[expect(
            clippy::cast_precision_loss,
            reason = "whole seconds of this millennium are exact"
        )]
        if issued.is_some_and(|issued| issued > self.clock.now().as_second() as f64) {
            return Err(TokenRejection::Invalid(
                "the token was issued in the future",
            ));
        }
        Ok(claims)
    }
}

#[cfg(test)]
#[path = "authorizer_tests.rs"]
mod tests;
