//! Resolves the name of an endpoint, and refuses addresses that are not public.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use muster::domain::WebhookTargets;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::net::lookup_host;

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks up the addresses of a name. It is passed in, so that tests need no name server.
#[derive(Clone)]
pub struct Lookup(Arc<dyn Fn(String) -> Addresses + Send + Sync>);

impl Lookup {
    /// Returns the lookup of the operating system.
    pub fn system() -> Self {
        Self(Arc::new(|name| {
            Box::pin(async move {
                let found = lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        }))
    }

    /// Returns a lookup that calls the function.
    pub fn from_fn(lookup: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |name| {
            let found = lookup(&name);
            Box::pin(async move { Ok(found) })
        }))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Lookup")
    }
}

/// The name has an address to which no connection may be opened.
#[derive(Debug, Error)]
#[error("the name has an address that is not public")]
pub(super) struct RefusedAddress;

#[derive(Debug, Error)]
#[error("the name has no address")]
struct NoAddress;

/// Resolves names for the HTTP client, which connects to the addresses that are returned here and to no others. A
/// check before the call would be of another lookup, whose answer can differ (DNS rebinding).
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) lookup: Lookup,
    pub(super) targets: WebhookTargets,
}

impl Resolve for Resolver {
    /// Refuses the name if any of its addresses is refused: a public name has no reason to have one.
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup.0)(name.as_str().to_owned());
        let targets = self.targets.clone();
        Box::pin(async move {
            let found = found.await?;
            if found.is_empty() {
                return Err(NoAddress.into());
            }
            if !found.iter().all(|address| targets.accepts(*address)) {
                return Err(RefusedAddress.into());
            }
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}
