//! Looks up the records that prove domains, at several resolvers that validate DNSSEC.

mod record;
mod resolvers;
#[cfg(test)]
mod tests;

use aws_lc_rs::rand;
use muster::domain::{DomainToken, Invalid};

pub use record::LookupFailed;
pub use resolvers::{DEFAULT_DOMAIN_RESOLVERS, DOMAIN_RESOLVERS, Resolvers};

/// Returns a new random token of 160 bits.
pub fn new_token() -> Result<DomainToken, Invalid> {
    let mut bytes = [0; 20];
    rand::fill(&mut bytes).map_err(|_| Invalid::new("has no random bytes"))?;
    Ok(DomainToken::from_bytes(&bytes))
}
