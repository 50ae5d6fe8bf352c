//! The secret that signs the webhooks of an endpoint.

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::Invalid;

/// The start of a secret as text.
const PREFIX: &str = "whsec_";
/// The number of random bytes that Standard Webhooks allows.
const BYTES: RangeInclusive<usize> = 24..=64;

/// A signing secret of Standard Webhooks: 24 to 64 random bytes, as text `whsec_` and their base64. It is not
/// printed, and cleared from memory when it is dropped.
#[derive(Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

impl WebhookSecret {
    /// Creates the secret from its random bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Invalid> {
        if BYTES.contains(&bytes.len()) {
            return Ok(Self(bytes.into()));
        }
        Err(Invalid::new("must have 24 to 64 bytes"))
    }

    /// Reads the secret from its text.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bytes = text
            .strip_prefix(PREFIX)
            .and_then(|text| STANDARD.decode(text).ok());
        bytes.map_or_else(
            || Err(Invalid::new("must be whsec_ and 24 to 64 bytes in base64")),
            Self::from_bytes,
        )
    }

    /// Returns the bytes, which are the key of the signature.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Returns the text, for the owner of the endpoint and for the table.
    pub fn expose_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.expose()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_round_trip_and_are_not_printed() {
        for length in [24, 32, 64] {
            let bytes: Vec<u8> = (0..length).collect();
            let secret = WebhookSecret::from_bytes(bytes.clone()).unwrap();
            let read = WebhookSecret::parse(&secret.expose_text()).unwrap();
            assert_eq!(read.expose(), bytes);
            assert_eq!(format!("{secret:?}"), "WebhookSecret");
        }
    }

    #[test]
    fn other_texts_are_no_secrets() {
        let with_bytes = |count| format!("whsec_{}", STANDARD.encode(vec![7_u8; count]));
        for text in [
            String::new(),
            "whsec_".to_owned(),
            with_bytes(23),
            with_bytes(65),
            with_bytes(32).replace("whsec_", "whsk_"),
            with_bytes(32).replace("whsec_", ""),
            format!("{}!", with_bytes(30)),
        ] {
            assert!(WebhookSecret::parse(&text).is_err(), "{text}");
        }
    }
}
