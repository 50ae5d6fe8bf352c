//! Signatures and their secrets.
//!
//! The crate `standardwebhooks` does the same with three more dependencies (HMAC, time, an old base64). The TLS
//! library that every function already has signs too.

use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::domain::{Invalid, WebhookSecret};

/// The length of new secrets, in bytes: that of the key that HMAC-SHA256 recommends.
const NEW_SECRET_BYTES: usize = 32;

/// Creates a secret from cryptographically secure random bytes.
pub fn new_secret() -> Result<WebhookSecret, Invalid> {
    let mut bytes = vec![0; NEW_SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| Invalid::new("has no random bytes"))?;
    WebhookSecret::from_bytes(bytes)
}

/// Returns the value of the header `webhook-signature`: one signature for each active secret, separated by spaces. A
/// receiver accepts any of them, so that a secret can be replaced without a gap.
///
/// `timestamp` is the time of this attempt, in seconds.
pub fn signatures(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &str) -> String {
    let content = format!("{id}.{timestamp}.{body}");
    let sign = |secret: &WebhookSecret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let signature = hmac::sign(&key, content.as_bytes());
        format!("v1,{}", STANDARD.encode(signature))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed(secrets: &[WebhookSecret]) -> String {
        let body = r#"{"test": 2432232314}"#;
        signatures(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    }

    /// The test vector of the libraries of Standard Webhooks.
    #[test]
    fn the_published_vector_has_its_signature() {
        let secret = WebhookSecret::parse(SECRET).unwrap();
        assert_eq!(signed(&[secret]), SIGNATURE);
    }

    #[test]
    fn every_active_secret_signs() {
        let secret = || WebhookSecret::parse(SECRET).unwrap();
        let other = new_secret().unwrap();
        let both = signed(&[secret(), other.clone()]);
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, SIGNATURE);
        assert_eq!(second, signed(&[other]));
        assert_ne!(first, second);
        assert_eq!(signed(&[]), "");
    }

    #[test]
    fn new_secrets_are_random() {
        let secrets = (0..100).map(|_| new_secret().unwrap().expose_text());
        let secrets: HashSet<_> = secrets.collect();
        assert_eq!(secrets.len(), 100);
        for secret in secrets {
            assert_eq!(WebhookSecret::parse(&secret).unwrap().expose().len(), 32);
        }
    }
}
