//! Texts with a rule: names, addresses, domains, email addresses. Each is checked once, when it is created.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::fold::{fold_case, fold_white_space, is_visible, visible, visible_in_first_release};
use super::{GroupId, Invalid};

/// Maximum length of the name of an organization or a team, in characters.
pub const MAX_NAME_LENGTH: usize = 255;
/// Maximum length of a billing address, in characters.
pub const MAX_BILLING_ADDRESS_LENGTH: usize = 2_000;
/// Maximum length of a description, in characters.
pub const MAX_DESCRIPTION_LENGTH: usize = 2_000;
/// Maximum length of a Stripe customer id, in characters.
pub const MAX_STRIPE_CUSTOMER_ID_LENGTH: usize = 255;
/// Maximum length of a domain in its ASCII form (RFC 1035).
pub const MAX_DOMAIN_LENGTH: usize = 253;
/// Maximum length of a label of a domain (RFC 1035).
const MAX_LABEL_LENGTH: usize = 63;
/// Maximum length of an email address, in bytes (RFC 5321's path without its brackets).
pub const MAX_EMAIL_LENGTH: usize = 254;

/// Unicode white space for a regular expression. The meaning of `\s` differs by language.
const WHITE_SPACE: &str = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
/// Returns a name as a regular expression, which cannot express that at least one character must be visible.
fn name_pattern() -> String {
    let control = r"\x00-\x1f\x7f-\x9f";
    let end = format!("[^{WHITE_SPACE}{control}]");
    let between = MAX_NAME_LENGTH - 2;
    format!("^[{WHITE_SPACE}]*{end}([^{control}]{{0,{between}}}{end})?[{WHITE_SPACE}]*$")
}

/// A domain in ASCII as a regular expression: labels separated by dots. The last label starts with a letter.
const DOMAIN: &str =
    r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$";

/// A multiline text as a regular expression: no control characters except line breaks and tabs.
const LINES: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

macro_rules! text {
    ($(#[$doc:meta])* $name:ident: $($schema:tt)+) => {
        text!($(#[$doc])* without from table, $name: $($schema)+);

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }
    };
    ($(#[$doc:meta])* without from table, $name:ident: $($schema:tt)+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend($($schema)+))]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text!(
    /// The name of an organization, a team or a person: 1 to 255 characters after trimming, at least one
    /// of them visible, no control characters.
    without from table, Name: "minLength" = 1, "pattern" = name_pattern()
);
text!(
    /// A DNS name with at least one dot, stored lower-case and IDNA-encoded (`xn--bcher-kva.example`).
    /// Its last label begins with a letter, as every top-level domain does.
    Domain: "minLength" = 3, "maxLength" = MAX_DOMAIN_LENGTH, "pattern" = DOMAIN
);
text!(
    /// An email address, stored as provided.
    Email: "format" = "email", "maxLength" = MAX_EMAIL_LENGTH
);
text!(
    /// A postal address of up to 2,000 characters. Can contain line breaks.
    BillingAddress: "maxLength" = MAX_BILLING_ADDRESS_LENGTH, "pattern" = LINES
);
text!(
    /// A description of up to 2,000 characters. Can contain line breaks.
    Description: "maxLength" = MAX_DESCRIPTION_LENGTH, "pattern" = LINES
);
text!(
    /// A customer id at Stripe: `cus_…`.
    StripeCustomerId: "maxLength" = MAX_STRIPE_CUSTOMER_ID_LENGTH, "pattern" = r"^cus_[A-Za-z0-9_]+$"
);

/// A domain in any case, in ASCII or in Unicode (`bücher.example`).
pub struct DomainInput;

impl JsonSchema for DomainInput {
    fn schema_name() -> Cow<'static, str> {
        "DomainInput".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A domain in any case, in ASCII or in Unicode (`bücher.example`).",
            "anyOf": [
                generator.subschema_for::<Domain>(),
                // Requires a non-ASCII character and a dot. IDNA accepts other characters as dots too.
                {"type": "string", "format": "idn-hostname", "pattern": r"[^\x00-\x7f].*\.|\..*[^\x00-\x7f]|[。．｡]"},
            ],
        })
    }
}

/// A name folded for comparison: Unicode NFKC, without case, white space folded to single blanks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoldedName(String);

impl FoldedName {
    /// Returns the folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    /// Returns the name folded for comparison.
    pub fn folded(&self) -> FoldedName {
        FoldedName(fold_white_space(&fold_case(&visible(&self.0))))
    }

    /// Returns the name as the first release folded it, if that differs. That release reserved names in this form.
    pub fn folded_in_first_release(&self) -> Option<FoldedName> {
        let before = fold_white_space(&fold_case(&visible_in_first_release(&self.0)));
        Some(FoldedName(before)).filter(|before| *before != self.folded())
    }

    /// Folds the beginning of a name for comparison with the beginnings of other names. Keeps a blank at the end, but
    /// not at the start.
    pub fn folded_prefix(text: &str) -> FoldedName {
        let folded = fold_case(&visible(text));
        let mut prefix = fold_white_space(&folded);
        if !prefix.is_empty() && folded.ends_with(char::is_whitespace) {
            prefix.push(' ');
        }
        FoldedName(prefix)
    }
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0
            || length > MAX_NAME_LENGTH
            || name.chars().any(char::is_control)
            || !name.chars().any(is_visible)
        {
            return Err(Invalid::new(
                "must be 1 to 255 characters after trimming, at least one of them visible, without control characters",
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

/// Reads a name from the table, where earlier releases wrote names that would be refused today.
impl TryFrom<String> for Name {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Ok(Self(text))
    }
}

/// Names what is created for a group without a display name by its id. The id is shorter than the maximum length of
/// a name and contains only characters that a name may contain.
impl From<&GroupId> for Name {
    fn from(id: &GroupId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl FromStr for Domain {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || {
            Invalid::new(
                "must be a DNS name with at least one dot, like acme.example, of at most 253 characters",
            )
        };
        let ascii = idna::domain_to_ascii_cow(text.trim().as_bytes(), idna::AsciiDenyList::STD3)
            .map_err(|_| refused())?;
        let labels: Vec<&str> = ascii.split('.').collect();
        let well_formed = |label: &&str| {
            (1..=MAX_LABEL_LENGTH).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let begins_with_letter =
            |label: &&str| label.starts_with(|first: char| first.is_ascii_alphabetic());
        if ascii.len() > MAX_DOMAIN_LENGTH
            || labels.len() < 2
            || !labels.iter().all(well_formed)
            // Every top-level domain starts with a letter. An IP address is not a DNS name.
            || !labels.last().is_some_and(begins_with_letter)
        {
            return Err(refused());
        }
        Ok(Self(ascii.into_owned()))
    }
}

impl Email {
    /// Returns the address for comparison: the letters A to Z in lower case, and nothing else folded. Two addresses are
    /// the same only if their folded forms are equal.
    ///
    /// Mail systems treat other characters as different: if `K` (the Kelvin sign) were folded to `k`, the owner of one
    /// address would count as the owner of another.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let options = Options::default()
            .without_display_text()
            .without_domain_literal()
            .with_required_tld();
        // The standard allows a tab in a quoted part, but no real address has one.
        if text.len() > MAX_EMAIL_LENGTH
            || text.contains(char::is_control)
            || EmailAddress::parse_with_options(text, options).is_err()
        {
            return Err(Invalid::new(
                "must be an email address, like ada@acme.example, of at most 254 bytes",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Checks a multiline text.
fn check_lines(text: &str, longest: usize) -> Result<(), Invalid> {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > longest || text.chars().any(odd) {
        return Err(Invalid::new(format!(
            "must be up to {longest} characters, without control characters except line breaks and tabs"
        )));
    }
    Ok(())
}

impl FromStr for BillingAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check_lines(text, MAX_BILLING_ADDRESS_LENGTH)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Description {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check_lines(text, MAX_DESCRIPTION_LENGTH)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for StripeCustomerId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix("cus_").unwrap_or_default();
        if rest.is_empty()
            || text.len() > MAX_STRIPE_CUSTOMER_ID_LENGTH
            || !rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(Invalid::new(
                "must be cus_ and letters or digits, up to 255 characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
