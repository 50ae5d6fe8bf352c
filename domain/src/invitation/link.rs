//! The link of an invitation: the front end's page with the token.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Invitation, InvitationToken};
use crate::Invalid;

/// Maximum length of a redirect URL, in characters.
pub const MAX_REDIRECT_URL_LENGTH: usize = 2_048;
/// The parameter of the link with the token.
const TOKEN: &str = "invitation";
/// The parameter of the link with the redirect URL.
const REDIRECT: &str = "redirect_url";

/// Where the front end takes the user after they accept: an absolute `https` URL without credentials, or `http` on
/// this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "uri", "maxLength" = MAX_REDIRECT_URL_LENGTH))]
pub struct RedirectUrl(String);

impl RedirectUrl {
    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RedirectUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match page(text) {
            Some(url) if url.as_str().len() <= MAX_REDIRECT_URL_LENGTH => Ok(Self(url.into())),
            _ => Err(Invalid::new(
                "must be an absolute https URL without credentials, of at most 2048 characters",
            )),
        }
    }
}

impl TryFrom<String> for RedirectUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RedirectUrl> for String {
    fn from(url: RedirectUrl) -> Self {
        url.0
    }
}

/// The page of the front end that shows an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationPage(Url);

impl InvitationPage {
    /// Returns the page with the token, and the redirect URL of the invitation if it has one. Keeps the query of the
    /// page and its fragment.
    pub fn link(&self, invitation: &Invitation, token: &InvitationToken) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut()
            .extend_pairs(parameters(invitation, token));
        url.into()
    }

    /// Returns the link without a page: only its query, as a relative reference.
    pub fn query(invitation: &Invitation, token: &InvitationToken) -> String {
        let mut query = url::form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
        query.extend_pairs(parameters(invitation, token));
        query.finish()
    }
}

fn parameters<'a>(
    invitation: &'a Invitation,
    token: &'a InvitationToken,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let redirect = invitation.redirect_url.as_ref();
    let redirect = redirect.map(|url| (REDIRECT, url.as_str()));
    std::iter::once((TOKEN, token.expose_text())).chain(redirect)
}

impl FromStr for InvitationPage {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        page(text).map(Self).ok_or(Invalid::new(
            "must be an absolute https URL without credentials",
        ))
    }
}

impl fmt::Display for InvitationPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Reads the URL of a page: `https`, or `http` on this machine.
fn page(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_page = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_page && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::InvitationSecret;
    use crate::invitation::tests::invitation;

    #[test]
    fn the_token_is_added_to_query_and_before_fragment() {
        let one = invitation();
        let token = InvitationSecret::new(&"7".repeat(32).into())
            .unwrap()
            .token(&one);
        let text = token.expose_text();
        for (page, link) in [
            (
                "https://app.example",
                format!("https://app.example/?invitation={text}"),
            ),
            (
                "https://app.example/join",
                format!("https://app.example/join?invitation={text}"),
            ),
            (
                "https://app.example/join?",
                format!("https://app.example/join?invitation={text}"),
            ),
            (
                "https://app.example/?lang=de#/join",
                format!("https://app.example/?lang=de&invitation={text}#/join"),
            ),
        ] {
            let page: InvitationPage = page.parse().unwrap();
            assert_eq!(page.link(&one, &token), link);
        }
        assert_eq!(
            InvitationPage::query(&one, &token),
            format!("?invitation={text}")
        );
    }

    #[test]
    fn the_redirect_url_is_escaped() {
        let one = Invitation {
            redirect_url: Some("https://app.example/?a=b&c#d".parse().unwrap()),
            ..invitation()
        };
        let token = InvitationSecret::new(&"7".repeat(32).into())
            .unwrap()
            .token(&one);
        let link = InvitationPage::query(&one, &token);
        let (_, redirect) = link.split_once('&').unwrap();
        assert_eq!(
            redirect,
            "redirect_url=https%3A%2F%2Fapp.example%2F%3Fa%3Db%26c%23d"
        );
    }

    #[test]
    fn only_pages_are_redirect_urls() {
        for url in [
            "https://app.example/x?y#z",
            "http://localhost:3000/",
            "http://127.0.0.1/",
        ] {
            assert!(url.parse::<RedirectUrl>().is_ok(), "{url}");
        }
        for url in [
            "",
            "app.example",
            "/join",
            "//app.example",
            "http://app.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@app.example/",
            &format!("https://app.example/{}", "x".repeat(2_048)),
        ] {
            assert!(url.parse::<RedirectUrl>().is_err(), "{url}");
        }
    }
}
