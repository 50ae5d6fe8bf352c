//! Cursors: where the next page of a list begins. Opaque, and bound to the route, its filters and
//! the tenant.
//!
//! A cursor carries a place within a list, never a key; whichever it carries, the key is made from
//! the caller's own tenant. The seal therefore guards against mistakes, not against forgery, and
//! needs no secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Code, Problem};
use crate::domain::TenantId;

/// Items on a page when nothing is said.
pub const DEFAULT_LIMIT: usize = 50;
/// Most items on a page.
pub const MAX_LIMIT: usize = 100;

const SEAL_BYTES: usize = 16;
/// Longer ones are not ours.
const MAX_CURSOR_LENGTH: usize = 4_096;

/// Which page of which list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items.
    pub limit: usize,
    /// The place behind which the page begins.
    pub after: Option<String>,
    /// What makes the cursor of the page after it.
    pub cursor: Cursor,
}

/// What the cursors of one list have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Digest of tenant, route and filters.
    list: [u8; 32],
}

impl Cursor {
    /// The cursors of a route's list, with these filters, in a tenant.
    pub fn new<'a>(
        tenant: &TenantId,
        route: &str,
        filters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut digest = Sha256::new();
        let filters = filters.into_iter().flat_map(|(name, value)| [name, value]);
        for part in [tenant.as_str(), route].into_iter().chain(filters) {
            // With its length, so that no two lists of parts read alike.
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self {
            list: digest.finalize().into(),
        }
    }

    /// The cursor of the page behind a place.
    pub fn seal(&self, place: &str) -> String {
        let mut bytes = self.mark(place.as_bytes());
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place in a cursor of this list.
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
    fn a_cursor_opens_only_in_its_own_list() {
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
        fn every_place_survives_and_every_other_text_is_refused(place in "\\PC{0,60}", junk in "\\PC{0,60}") {
            let own = cursor("t", "r", &[]);
            prop_assert_eq!(own.open(&own.seal(&place)).ok(), Some(place));
            prop_assert!(own.open(&junk).is_err());
        }
    }
}
