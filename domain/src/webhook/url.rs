//! The URL of a webhook endpoint, and which ones are accepted.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::address::is_public;
use crate::Invalid;

/// Maximum length of a webhook URL, in characters (all of them ASCII).
pub const MAX_WEBHOOK_URL_LENGTH: usize = 2_048;

/// The names that only a local network resolves, with every name below them.
const LOCAL_NAMES: [&str; 5] = ["localhost", "local", "internal", "home.arpa", "localdomain"];

/// An absolute URL in its normal form, which the WHATWG URL Standard defines: a host in lower case, numbers of IPv4
/// addresses in dotted form, no default port.
// `WebhookTargets` decides whether webhooks are sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "uri", "maxLength" = MAX_WEBHOOK_URL_LENGTH))]
pub struct WebhookUrl(Url);

/// Where webhooks may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookTargets {
    ports: BTreeSet<u16>,
    loopback: bool,
}

impl WebhookUrl {
    /// Returns the URL in its normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the address, if the host is an address and not a name.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl FromStr for WebhookUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("must be an absolute URL of at most 2048 characters");
        let url = Url::parse(text).map_err(|_| invalid())?;
        if url.as_str().len() > MAX_WEBHOOK_URL_LENGTH || url.host().is_none() {
            return Err(invalid());
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Default for WebhookTargets {
    /// Port 443 of public hosts.
    fn default() -> Self {
        Self::new([443])
    }
}

impl WebhookTargets {
    /// Accepts these ports of public hosts.
    pub fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self {
            ports: ports.into_iter().collect(),
            loopback: false,
        }
    }

    /// Accepts this machine too, with any port and without TLS. For the local stack and tests only.
    #[must_use]
    pub fn with_loopback(self) -> Self {
        Self {
            loopback: true,
            ..self
        }
    }

    /// Returns the rule that the URL breaks, if any. The addresses that its name resolves to are
    /// [checked](Self::accepts) with each connection.
    pub fn check(&self, url: &WebhookUrl) -> Result<(), Invalid> {
        let invalid = |rule: &'static str| Err(Invalid::new(rule));
        let url = &url.0;
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("must not contain credentials");
        }
        if url.fragment().is_some() {
            return invalid("must not contain a fragment");
        }
        if self.loopback && is_loopback(url) && ["http", "https"].contains(&url.scheme()) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return invalid("must begin with https://");
        }
        let is_public = match url.host() {
            Some(Host::Domain(name)) => is_public_name(name),
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            None => false,
        };
        if !is_public {
            return invalid(
                "must have a public host: no private or reserved address, no name without a dot, \
                 and none that ends in .internal, .local or .localhost",
            );
        }
        let port = url.port_or_known_default();
        if !port.is_some_and(|port| self.ports.contains(&port)) {
            let ports: Vec<_> = self.ports.iter().map(u16::to_string).collect();
            return Err(Invalid::new(format!(
                "must have one of these ports: {}",
                ports.join(", ")
            )));
        }
        Ok(())
    }

    /// Returns whether a connection to this address may be opened.
    pub fn accepts(&self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.to_canonical().is_loopback())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_below(name, "localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Returns whether a name can be one of the public domain name system: it has several labels, and is not below one
/// of the local names.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let has_labels = name.contains('.') && name.split('.').all(|label| !label.is_empty());
    has_labels && !LOCAL_NAMES.iter().any(|local| is_below(name, local))
}

fn is_below(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let above = name.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests;
