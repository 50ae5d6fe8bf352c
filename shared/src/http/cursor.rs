//! Cursors: the start of the next page of a list. Opaque, and bound to the route, its filters and the tenant.
//!
//! A cursor contains a position in a list and never a key. The key is always made from the caller's own tenant. The
//! seal therefore protects against mistakes and not against forgery, and needs no secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Code, Problem};
use crate::domain::TenantId;

/// Default number of items on a page.
pub const DEFAULT_LIMIT: usize = 50;
/// Maximum number of items on a page.
pub const MAX_LIMIT: usize = 100;

const SEAL_BYTES: usize = 16;
/// Maximum length of a cursor. Muster never returns a longer one.
const MAX_CURSOR_LENGTH: usize = 4_096;

/// The requested page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The maximum number of items.
    pub limit: usize,
    /// The position after which the page begins.
    pub after: Option<String>,
    /// Creates the cursor of the next page.
    pub cursor: Cursor,
}

/// The properties that all cursors of one list share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// A digest of the tenant, the route and the filters.
    list: [u8; 32],
}

impl Cursor {
    /// Creates the cursors of the list of a route with these filters in a tenant.
    pub fn new<'a>(
        tenant: &TenantId,
        route: &str,
        filters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut digest = Sha256::new();
        let filters = filters.into_iter().flat_map(|(name, value)| [name, value]);
        for part in [tenant.as_str(), route].into_iter().chain(filters) {
            // Hashes the length of each part, so that no two lists of parts have the same digest.
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self {
            list: digest.finalize().into(),
        }
    }

    /// Returns the cursor of the page after a position.
    pub fn seal(&self, place: &str) -> String {
        let mut bytes = self.mark(place.as_bytes());
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the position in a cursor of this list.
    pub fn open(&self, cursor: &str) -> Result<String, Problem> {
        let invalid = || {
            Problem::new(
                Code::InvalidCursor,
                "The cursor is damaged, or belongs to another list, filter or tenant. Start again without a cursor.",
            )
        };
        if cursor.len() > MAX_CURSOR_LENGTH {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (seal, place) = bytes.split_at_checked(SEAL_BYTES).ok_or_else(invalid)?;
        if seal != self.mark(place) {
            return Err(invalid());
        }
        String::from_utf8(place.to_vec()).map_err(|_| invalid())
    }

    fn mark(&self, place: &[u8]) -> Vec<u8> {
        let mut digest = Sha256::new();
        digest.update(self.list);
        digest.update(place);
        digest.finalize().into_iter().take(SEAL_BYTES).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor(tenant: &str, route: &str, filters: &[(&'static str, &'static str)]) -> Cursor {
        Cursor::new(
            &TenantId::parse(tenant).unwrap(),
            route,
            filters.iter().copied(),
        )
    }

    #[test]
    fn cursor_is_valid_only_for_its_list() {
        let own = cursor("t", "GET /organizations", &[("status", "active")]);
        let sealed = own.seal("acme#o1");
        assert_eq!(own.open(&sealed).unwrap(), "acme#o1");
        for other in [
            cursor("u", "GET /organizations", &[("status", "active")]),
            cursor("t", "GET /users", &[("status", "active")]),
            cursor("t", "GET /organizations", &[("status", "deleted")]),
            cursor("t", "GET /organizations", &[("statu", "sactive")]),
        ] {
            assert_eq!(other.open(&sealed).unwrap_err().code, Code::InvalidCursor);
        }
    }

    proptest! {
        #[test]
        fn cursor_round_trips_and_other_text_is_refused(place in "\\PC{0,60}", junk in "\\PC{0,60}") {
            let own = cursor("t", "r", &[]);
            prop_assert_eq!(own.open(&own.seal(&place)).ok(), Some(place));
            prop_assert!(own.open(&junk).is_err());
        }
    }
}
