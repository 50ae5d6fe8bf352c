//! The DNS record that proves that a domain belongs to an organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Domain;

/// The label below a domain that has the record.
const CHALLENGE_LABEL: &str = "_muster-challenge";
/// The name of the token in the record.
const TOKEN: &str = "token=";

/// The token in the record of a domain. Each domain of each organization has its own, which is random.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainToken(String);

impl DomainToken {
    /// Creates it from random bytes: 16 at least.
    pub fn from_bytes(bytes: &[u8; 20]) -> Self {
        use std::fmt::Write as _;

        let mut text = String::with_capacity(40);
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Returns whether a TXT record proves the domain: pairs separated by blanks, of which the first is the token.
    pub fn is_in(&self, record: &str) -> bool {
        let first = record.split_ascii_whitespace().next().unwrap_or_default();
        first.strip_prefix(TOKEN) == Some(&self.0)
    }
}

/// The DNS record that proves that a domain belongs to the organization.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// The type of the record: `TXT`.
    #[serde(rename = "type")]
    record_type: &'static str,
    /// The name of the record: `_muster-challenge.acme.example`.
    name: String,
    /// The value of the record: `token=…`. More values can follow, separated by spaces.
    value: String,
}

impl Verification {
    /// Returns the record of a domain with this token.
    pub(super) fn new(domain: &Domain, token: &DomainToken) -> Self {
        Self {
            record_type: "TXT",
            name: name_of(domain),
            value: format!("{TOKEN}{}", token.0),
        }
    }
}

/// Returns the name of the record of a domain.
pub(super) fn name_of(domain: &Domain) -> String {
    format!("{CHALLENGE_LABEL}.{domain}")
}

/// The result of looking up the record of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainCheck {
    /// The record.
    Found,
    /// Not the record, but these TXT records.
    Missing(Vec<String>),
}

/// Says what was found instead of the record. Shows the first values, cut: they are from another server.
pub(super) fn failure(name: &str, found: &[String]) -> String {
    const SHOWN: usize = 3;
    if found.is_empty() {
        return format!("There is no TXT record {name}.");
    }
    let cut = |value: &String| format!("{:?}", value.chars().take(80).collect::<String>());
    let shown: Vec<_> = found.iter().take(SHOWN).map(cut).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    let shown = shown.join(", ");
    format!("No TXT record {name} has the token. Found: {shown}{more}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_first_pair_of_a_record() {
        let token = DomainToken::from_bytes(&[0xab; 20]);
        let value = format!("token={}", "ab".repeat(20));
        for record in [
            value.clone(),
            format!("{value} expiry=never"),
            format!(" {value} "),
        ] {
            assert!(token.is_in(&record), "{record}");
        }
        for record in [
            String::new(),
            "token=".to_owned(),
            value.to_uppercase(),
            format!("expiry=never {value}"),
            format!("{value}0"),
            format!("x{value}"),
            format!("token={}", "ac".repeat(20)),
            "ab".repeat(20),
        ] {
            assert!(!token.is_in(&record), "{record}");
        }
    }

    #[test]
    fn the_failure_is_short_however_much_was_found() {
        let found = vec!["é".repeat(4_000); 50];
        assert!(failure("_muster-challenge.acme.example", &found).len() < 700);
    }
}
