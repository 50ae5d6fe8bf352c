//! Why an endpoint gave no response.

use std::error::Error;

use strum::IntoStaticStr;
use thiserror::Error;

use super::resolver::RefusedAddress;

/// The reason that an attempt has no response. The owner of the endpoint sees it, so it says nothing about the
/// network of the sender.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SendError {
    /// The URL is not accepted, or not any more.
    #[error("the URL is not accepted")]
    RefusedUrl,
    /// The name has no address.
    #[error("the name has no address")]
    Dns,
    /// The name has an address that is not public.
    #[error("the name has an address that is not public")]
    RefusedAddress,
    /// The connection was refused.
    #[error("the connection was refused")]
    Connect,
    /// The TLS handshake failed, such as with an unknown or expired certificate.
    #[error("the TLS handshake failed")]
    Tls,
    /// There was no response in time.
    #[error("there was no response in time")]
    Timeout,
    /// The connection was closed before the response, or what came was no HTTP.
    #[error("the connection was closed before the response")]
    Closed,
}

impl SendError {
    /// Returns its name in responses and in the table.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(super) fn of(error: &reqwest::Error) -> Self {
        if is_caused_by::<RefusedAddress>(error) {
            Self::RefusedAddress
        } else if error.is_timeout() {
            Self::Timeout
        } else if error.is_dns() {
            Self::Dns
        } else if is_caused_by::<rustls::Error>(error) {
            Self::Tls
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::Closed
        }
    }
}

/// Returns whether an error of this type is among the causes.
fn is_caused_by<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        // The source of an I/O error is the source of its inner error, and not that error.
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if cause.is::<T>() || inner.is_some_and(|inner| is_caused_by::<T>(inner)) {
            return true;
        }
        next = cause.source();
    }
    false
}
